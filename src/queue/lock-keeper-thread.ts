// The thread that keeps the locks of a worker's jobs, with its own connection, so that load elsewhere lets no lock
// expire.
import { parentPort, workerData } from 'node:worker_threads';
import { connect, loadQueuePackages } from './connection.js';
import type { KeeperData, KeeperMessage, KeeperReport } from './lock-keeper.js';

const { address, name, lockMs } = workerData as KeeperData;
const port = parentPort;
if (!port) throw new Error('this file is the start of a thread');

/** A job, and the token that proves that its lock is ours. One job may be held twice: lost, and taken again. */
interface Lock {
  readonly id: string;
  readonly token: string;
}

const held = new Map<string, Lock>();
const keyOf = ({ id, token }: Lock) => `${id} ${token}`;

const client = await connect(address, { isPatient: true });
const { bullmq } = await loadQueuePackages();
const queue = new bullmq.Queue(name, { connection: client });
queue.on('error', () => {});

const tell = (report: KeeperReport) => port.postMessage(report);

/** @returns those that are not ours any more */
async function extend(locks: readonly Lock[]): Promise<readonly Lock[]> {
  const ids = locks.map(({ id }) => id);
  const tokens = locks.map(({ token }) => token);
  const lost: readonly string[] = await queue.getBackend().extendLocks(ids, tokens, lockMs);
  return locks.filter(({ id }) => lost.includes(id));
}

let isExtending = false;
const timer = setInterval(async () => {
  // What waits for a server that is away would all be sent at once when it is back.
  if (isExtending || held.size === 0) return;
  isExtending = true;
  try {
    for (const lock of await extend([...held.values()]))
      if (held.delete(keyOf(lock))) tell({ lost: lock.id });
  } catch {
    // The server is away, or says no. The locks last until the next time, or are lost and that is told then.
  } finally {
    isExtending = false;
  }
}, lockMs / 4);

port.on('message', async (message: KeeperMessage) => {
  if ('close' in message) {
    clearInterval(timer);
    client.disconnect();
    port.close();
    return;
  }
  const key = keyOf(message);
  if ('release' in message) {
    held.delete(key);
    return;
  }
  held.set(key, message);
  const isHeld = await extend([message]).then(
    (lost) => lost.length === 0,
    () => false,
  );
  if (!isHeld) held.delete(key);
  tell({ answer: message.question, isHeld });
});
tell({ ready: true });
