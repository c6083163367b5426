/** Miners of Stratum V1 with next to no cost of their own: lines put together from pieces, every hash a share. */
import type { Socket } from 'node:net';
import type { Fleet } from './fleets.js';
import { openMany, openSocket } from './stratum-socket.js';

const submit = (id: number, jobId: string, extranonce2: string, ntime: string, nonce: number): string =>
  `{"id":${id},"method":"mining.submit","params":["bench.rig","${jobId}","${extranonce2}","${ntime}","${nonce.toString(16).padStart(8, '0')}"]}\n`;

/** Bytes of a share on the wire, and of the answer to it. */
export const sv1RequestLength = submit(1_000, '0abc1234', '00000000', '6553f1a0', 0).length;
export const sv1AnswerLength = '{"id":1000,"result":true,"error":null}\n'.length;

interface Miner {
  readonly socket: Socket;
  readonly jobId: string;
  readonly ntime: string;
  onLine: (line: string) => void;
  onClose: () => void;
}

/** Connections that each have one share under way at a time, subscribed and with a job. */
export async function sv1Fleet(port: number, count: number): Promise<Fleet> {
  const miners = await openMany(count, () => openMiner(port));
  let nonce = 0;
  return {
    run: (each) =>
      new Promise((resolve, reject) => {
        const started = performance.now();
        let finished = 0;
        for (const miner of miners) {
          let answered = 0;
          const next = () => {
            nonce += 1;
            miner.socket.write(submit(1_000 + answered, miner.jobId, '00000000', miner.ntime, nonce));
          };
          miner.onClose = () => reject(new Error('the translator closed a connection'));
          miner.onLine = (line) => {
            if (!line.startsWith('{"id":1')) return; // a job
            if (!line.includes('"result":true')) {
              reject(new Error(`a share was answered with ${line}`));
              return;
            }
            answered += 1;
            if (answered < each) next();
            else if (++finished === miners.length)
              resolve((miners.length * each * 1_000) / (performance.now() - started));
          };
          next();
        }
      }),
    close: () => miners.forEach(({ socket }) => socket.destroy()),
  };
}

/** Subscribes, authorises, and waits for a job. */
async function openMiner(port: number): Promise<Miner> {
  const socket = await openSocket(port);
  return new Promise((resolve, reject) => {
    let rest = '';
    let miner: Miner | undefined;
    socket.on('data', (chunk) => {
      const lines = (rest + chunk.toString('latin1')).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        if (miner !== undefined) {
          miner.onLine(line);
          continue;
        }
        const { method, params } = JSON.parse(line) as { method?: string; params?: readonly unknown[] };
        if (method !== 'mining.notify') continue;
        miner = {
          ...{ socket, jobId: String(params?.[0]), ntime: String(params?.[7]) },
          ...{ onLine: () => undefined, onClose: () => undefined },
        };
        resolve(miner);
      }
    });
    socket.on('error', reject).on('close', () => {
      reject(new Error('the translator closed a connection'));
      miner?.onClose();
    });
    socket.resume();
    socket.write('{"id":1,"method":"mining.subscribe","params":["bench/1"]}\n');
    socket.write('{"id":2,"method":"mining.authorize","params":["bench.rig","x"]}\n');
  });
}
