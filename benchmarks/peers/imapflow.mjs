// imapflow, without its log. With `loose` it is left to upgrade by itself.
import { ImapFlow } from 'imapflow';
import { certificates, serve } from './serve.mjs';

const insists = process.argv[2] !== 'loose';

async function connect(job) {
  const client = new ImapFlow({
    host: job.address,
    port: job.port,
    servername: job.host,
    secure: job.tls === 'implicit',
    doSTARTTLS: insists && job.tls === 'starttls' ? true : undefined,
    auth: { user: job.user, pass: job.password, loginMethod: 'AUTH=PLAIN' },
    tls: { ca: certificates(job.ca), servername: job.host },
    disableAutoIdle: true,
    logger: false,
  });
  await client.connect();
  return client;
}

const ITEMS = {
  '(FLAGS)': { flags: true },
  '(ENVELOPE)': { envelope: true },
  '(BODY.PEEK[])': { source: true },
};

async function fetch(job, [client]) {
  await client.mailboxOpen(job.mailbox);
  let count = 0;
  for await (const _ of client.fetch(job.messages, ITEMS[job.items])) count += 1;
  if (count < job.count) throw new Error(`${count} messages of ${job.count}`);
}

async function idle(_, clients) {
  for (const client of clients) {
    await client.mailboxOpen('INBOX');
    client.idle();
  }
  await rest({ count: 1 }); // it does not say when the server has answered
}

// Any other command ends IDLE.
async function burst(_, clients) {
  for (const client of clients) {
    await client.mailboxOpen('INBOX');
    await client.fetchOne('1', { source: true });
  }
}

const rest = (job) => new Promise((resolve) => setTimeout(resolve, 1000 * job.count));

await serve(connect, (client) => client.logout(), { fetch, idle, burst, rest });
