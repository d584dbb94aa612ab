// nodemailer that is left to upgrade by itself.
import SMTPConnection from 'nodemailer/lib/smtp-connection/index.js';
import { certificates, serve } from '../peers/serve.mjs';

function connect(job) {
  return new Promise((resolve, reject) => {
    const client = new SMTPConnection({
      host: job.address,
      port: job.port,
      secure: job.tls === 'implicit',
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
