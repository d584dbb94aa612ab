// imapflow that is left to upgrade by itself.
import { ImapFlow } from 'imapflow';
import { certificates, serve } from '../peers/serve.mjs';

async function connect(job) {
  const client = new ImapFlow({
    host: job.address,
    port: job.port,
    servername: job.host,
    secure: job.tls === 'implicit',
    auth: { user: job.user, pass: job.password, loginMethod: 'AUTH=PLAIN' },
    tls: { ca: certificates(job.ca), servername: job.host },
    disableAutoIdle: true,
    logger: false,
  });
  await client.connect();
  return client;
}

await serve(connect, (client) => client.logout());
