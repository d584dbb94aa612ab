// imapflow, as it comes, without its log.
import { ImapFlow } from 'imapflow';
import { certificates, serve } from './serve.mjs';

async function connect(job) {
  const client = new ImapFlow({
    host: job.address,
    port: job.port,
    servername: job.host,
    secure: job.tls === 'implicit',
    doSTARTTLS: job.tls === 'starttls' ? true : undefined,
    auth: { user: job.user, pass: job.password, loginMethod: 'AUTH=PLAIN' },
    tls: { ca: certificates(job.ca), servername: job.host },
    disableAutoIdle: true,
    logger: false,
  });
  await client.connect();
  return client;
}

await serve(connect, (client) => client.logout());
