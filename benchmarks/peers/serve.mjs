// What benchmarks/peer.py is, for Node: a job a line on stdin, an answer a line on stdout, both JSON.
import { createInterface } from 'node:readline';
import { readFileSync } from 'node:fs';

export const certificates = (path) => readFileSync(path, 'utf8');

async function connects(job, connect, leave) {
  let number = 0;
  const worker = async () => {
    while (number < job.count) {
      number += 1;
      await leave(await connect(job));
    }
  };
  await Promise.all(Array.from({ length: job.concurrency }, worker));
}

async function hold(job, connect, held) {
  for (let start = 0; start < job.count; start += job.concurrency) {
    const size = Math.min(job.concurrency, job.count - start);
    held.push(...(await Promise.all(Array.from({ length: size }, () => connect(job)))));
  }
  if (globalThis.gc) globalThis.gc();
  return { rss: process.memoryUsage.rss() };
}

async function measured(work) {
  const began = process.hrtime.bigint();
  const before = process.cpuUsage();
  const waits = process.resourceUsage().voluntaryContextSwitches;
  await work();
  const wakeups = process.resourceUsage().voluntaryContextSwitches - waits;
  const used = process.cpuUsage(before);
  const wall = Number(process.hrtime.bigint() - began) / 1e9;
  return { wall_s: wall, cpu_s: (used.user + used.system) / 1e6, wakeups };
}

// On the sessions that are held, or on one of its own.
async function operate(operation, job, connect, leave, held) {
  const sessions = held.length ? held : [await connect(job)];
  const took = await measured(() => operation(job, sessions));
  if (!held.length) await leave(sessions[0]);
  if (globalThis.gc) globalThis.gc();
  return { ...took, rss: process.memoryUsage.rss() };
}

async function perform(job, connect, leave, operations, held) {
  switch (job.do) {
    case 'ready':
      return measured(async () => held.push(await connect(job)));
    case 'leave':
      while (held.length) await leave(held.pop());
      return {};
    case 'hold':
      return hold(job, connect, held);
    case 'connects':
      return measured(() => connects(job, connect, leave));
    default:
      if (!(job.do in operations)) throw new Error(`no such operation: ${job.do}`);
      return operate(operations[job.do], job, connect, leave, held);
  }
}

export async function serve(connect, leave, operations = {}) {
  const held = [];
  for await (const line of createInterface({ input: process.stdin })) {
    let answer;
    // Garbage of an earlier job is no cost of this one.
    if (globalThis.gc) globalThis.gc();
    try {
      answer = await perform(JSON.parse(line), connect, leave, operations, held);
    } catch (error) {
      answer = { error: String(error) };
    }
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  }
}
