// nodemailer: the connection below its transports, logged in by PLAIN.
import SMTPConnection from 'nodemailer/lib/smtp-connection/index.js';
import { certificates, serve } from './serve.mjs';

function connect(job) {
  return new Promise((resolve, reject) => {
    const client = new SMTPConnection({
      host: job.address,
      port: job.port,
      secure: job.tls === 'implicit',
      requireTLS: true,
      authMethod: 'PLAIN',
      tls: { ca: certificates(job.ca), servername: job.host },
    });
    client.once('error', reject);
    client.connect(() => {
      const credentials = { user: job.user, pass: job.password };
      client.login({ credentials }, (error) => (error ? reject(error) : resolve(client)));
    });
  });
}

function leave(client) {
  return new Promise((resolve) => {
    client.once('end', resolve);
    client.quit();
  });
}

await serve(connect, leave);
