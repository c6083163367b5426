/**
 * A front's mining server with as many channels as are asked for, in one process and without sockets: what memory they take,
 * how long a template and a tip take to reach all of them, and what a share costs among them. See README.md. Argument: how
 * many, 100,000 unless given. Needs --expose-gc.
 */
import { encodeFrame } from '../../src/framing/frame.js';
import { OpenExtendedMiningChannel, SubmitSharesExtended } from '../../src/messages/index.js';
import { extranonceAllocator, type MiningServerOutput } from '../../src/mining/index.js';
import { NOW, NTIME, prevHashFor, server as serverOf, template } from '../mining/support.js';

const channels = Number(process.argv[2] ?? 100_000);
const rounds = 5;
const shares = 50_000;
const { gc } = globalThis as { gc?: () => void };
if (gc === undefined) throw new Error('run it with node --expose-gc');

const say = (line: string): boolean => process.stdout.write(`${line}\n`);
const heap = (): number => {
  gc();
  return process.memoryUsage().heapUsed;
};
const milliseconds = (work: () => void): number => {
  const before = performance.now();
  work();
  return performance.now() - before;
};
const median = (values: readonly number[]): number =>
  [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)] ?? NaN;

let jobId = 0;

/** Messages and bytes of an output, as they go to sockets before they are encrypted. */
const written = ({ messages }: Pick<MiningServerOutput, 'messages'>): { count: number; bytes: number } => {
  let [count, bytes] = [0, 0];
  for (const { messages: own } of messages)
    for (const message of own) {
      count += 1;
      bytes += encodeFrame(message).length;
      if (message.type === 'SetNewPrevHash') ({ jobId } = message);
    }
  return { count, bytes };
};

const server = serverOf({
  vardiff: true,
  minHashrate: 1_000,
  extranonce: extranonceAllocator({ serverId: 0, indexSize: 4, size: 20 }),
  maxChannels: channels,
  maxChannelsPerAddress: channels,
});
server.newTemplate(template(1));
server.setNewPrevHash(prevHashFor(1), NOW);

const before = heap();
const opened = milliseconds(() => {
  for (let clientId = 1; clientId <= channels; clientId++) {
    server.addClient(clientId, 0);
    const open = OpenExtendedMiningChannel({
      requestId: 1,
      userIdentity: `user${clientId % 1_000}.worker${clientId}`,
      nominalHashRate: 1e14,
      maxTarget: new Uint8Array(32).fill(0xff),
      minExtranonceSize: 8,
    });
    const { outcomes } = server.handle(clientId, open, NOW);
    if (!outcomes.some(({ type }) => type === 'ChannelOpened')) throw new Error('a channel was refused');
  }
});
const each = (heap() - before) / channels;
say(`${channels} channels opened in ${opened.toFixed(0)} ms, ${(each / 1024).toFixed(1)} KiB of heap each`);

const jobs: number[] = [];
const tips: number[] = [];
let sent = { count: 0, bytes: 0 };
for (let round = 1; round <= rounds; round++) {
  const now = template(2 * round, { futureTemplate: false });
  jobs.push(
    milliseconds(() => {
      sent = written(server.newTemplate(now));
    }),
  );
  written(server.newTemplate(template(2 * round + 1)));
  const tip = prevHashFor(2 * round + 1, { prevHash: new Uint8Array(32).fill(round) });
  tips.push(milliseconds(() => written(server.setNewPrevHash(tip, NOW))));
}
say(
  `a template to all in ${median(jobs).toFixed(0)} ms: ${sent.count} messages of ${(sent.bytes / 1e6).toFixed(1)} MB`,
);
say(`a tip to all in ${median(tips).toFixed(0)} ms`);

let hashed = 0;
const judged = milliseconds(() => {
  for (let number = 1; number <= shares; number++) {
    const share = SubmitSharesExtended({
      ...{ channelId: 2, sequenceNumber: number, jobId, nonce: number, ntime: NTIME, version: 0x2000_0000 },
      extranonce: new Uint8Array(14),
    });
    const { outcomes } = server.handle(1 + (number % channels), share, NOW);
    if (
      outcomes.some(
        (outcome) => outcome.type === 'ShareRejected' && outcome.errorCode === 'difficulty-too-low',
      )
    )
      hashed += 1;
  }
});
say(`a share hashed and judged in ${((1_000 * judged) / shares).toFixed(1)} µs (${hashed} of ${shares})`);
