// nodemailer: the connection below its transports, logged in by PLAIN. With `loose` it is left to upgrade by itself.
import SMTPConnection from 'nodemailer/lib/smtp-connection/index.js';
import { certificates, serve } from './serve.mjs';

function connect(job) {
  return new Promise((resolve, reject) => {
    const client = new SMTPConnection({
      host: job.address,
      port: job.port,
      secure: job.tls === 'implicit',
      requireTLS: process.argv[2] !== 'loose',
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

function send(job, client) {
  return new Promise((resolve, reject) => {
    const envelope = { from: job.sender, to: [job.recipient] };
    client.send(envelope, job.message, (error) => (error ? reject(error) : resolve()));
  });
}

async function submit(job, [client]) {
  for (let number = 0; number < job.count; number += 1) await send(job, client);
}

// Its pool is above this connection, and does the same: each worker has a session.
async function submitPool(job) {
  let number = 0;
  const worker = async () => {
    const client = await connect(job);
    while (number < job.count) {
      number += 1;
      await send(job, client);
    }
    await leave(client);
  };
  await Promise.all(Array.from({ length: job.concurrency }, worker));
}

async function submitEach(job) {
  for (let number = 0; number < job.count; number += 1) {
    const client = await connect(job);
    await send(job, client);
    await leave(client);
  }
}

await serve(connect, leave, { submit, submit_pool: submitPool, submit_each: submitEach });
