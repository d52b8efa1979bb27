// The thread that renews the locks of a worker's jobs. It has its own connection, so that a busy main thread loses no lock.
import { parentPort, workerData } from 'node:worker_threads';
import { connect, loadBullmq } from './connection.js';
import { extendLocks, type KeeperData, type KeeperMessage, type KeeperReport } from './lock-keeper.js';

const { address, name, lockMs } = workerData as KeeperData;
const port = parentPort;
if (!port) throw new Error('lock-keeper-thread runs in a worker thread only');

const held = new Map<string, KeeperMessage>();
const keyOf = ({ id, token }: KeeperMessage) => `${id} ${token}`;
const tell = (report: KeeperReport) => port.postMessage(report);

const client = await connect(address, { isPatient: true });
const bullmq = await loadBullmq();
const queue = new bullmq.Queue(name, { connection: client });
queue.on('error', () => {});

let isExtending = false;
const timer = setInterval(async () => {
  // One request at a time: with the server away, they would pile up and all be sent when it is back.
  if (isExtending || held.size === 0) return;
  isExtending = true;
  try {
    const locks = [...held.values()];
    const lost = await extendLocks(queue, locks, lockMs);
    for (const lock of locks) if (lost.includes(lock.id) && held.delete(keyOf(lock))) tell({ lost: lock.id });
  } catch {
    // The server is away or refuses. The locks last until the next try, or are lost, which is reported then.
  } finally {
    isExtending = false;
  }
}, lockMs / 4);

port.on('message', (message: KeeperMessage | 'close') => {
  if (message === 'close') {
    clearInterval(timer);
    client.disconnect();
    port.close();
  } else if (message.isHeld) held.set(keyOf(message), message);
  else held.delete(keyOf(message));
});
tell('ready');
