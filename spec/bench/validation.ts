import { createHash } from 'node:crypto';
import {
  extranonceAllocator,
  miningServer,
  OpenExtendedMiningChannel,
  OpenStandardMiningChannel,
  SetNewPrevHashTemplate,
  SubmitSharesExtended,
  SubmitSharesStandard,
  targetFromNbits,
  type MiningServer,
} from 'rx-sv2';
import { microseconds, takeTurns } from './measure.js';
import { share, template } from './messages.js';
import { amount, reach, speed, type Section } from './table.js';

const rounds = 9;
const channels = 1000;
const ntime = 1_780_000_000;
const now = 1000 * ntime;
const nBits = 0x1702905c;

/** From a share's message to its outcome and answer: validated, counted and remembered. */
export async function validationSections(): Promise<readonly Section[]> {
  const path = template(1).merklePath;
  const standard = shares('standard');
  const extended = shares('extended');
  const sha256d = (bytes: Uint8Array): Buffer =>
    createHash('sha256').update(createHash('sha256').update(bytes).digest()).digest();
  const header = new Uint8Array(80);
  const coinbase = new Uint8Array(220);
  const times = await takeTurns(rounds, {
    standard: microseconds(standard),
    extended: microseconds(extended),
    header: microseconds(() => sha256d(header)),
    root: microseconds(() => {
      let root = sha256d(coinbase);
      for (const sibling of path) root = sha256d(Buffer.concat([root, sibling]));
      return sha256d(header);
    }),
  });
  const limit = 'SHA-256 without the instructions that processors have for it';
  return [
    {
      title: 'Validation of a share, 1,000 channels of one client',
      baseline: 'the hashes alone, OpenSSL',
      rows: [
        {
          what: 'standard channel',
          figure: amount(times.standard, 'µs'),
          baseline: amount(times.header, 'µs'),
          ratio: speed(times.standard, times.header),
          limit: 'cache misses, vardiff, and outcomes; SHA-256 is a quarter',
        },
        {
          what: 'extended channel of a group, merkle path of 12',
          figure: amount(times.extended, 'µs'),
          baseline: amount(times.root, 'µs'),
          ratio: speed(times.extended, times.root),
          target: reach('≤ 8 µs', times.extended <= 8),
          limit,
        },
      ],
    },
  ];
}

/** Hands in another share with each call. */
function shares(kind: 'standard' | 'extended'): () => void {
  const server = miningServer({
    extranonce: extranonceAllocator({ serverId: 0, indexSize: 4, size: 20 }),
    payoutOutputs: (value) => [{ value, scriptPubKey: new Uint8Array(22) }],
    sharesPerMinute: 6,
    shareBatchSize: 1,
    vardiff: false, // a target that all hashes meet is to stay
  });
  server.addClient(1, 0);
  server.newTemplate(template(1));
  const prevHash = new Uint8Array(32).fill(2);
  const tip = { templateId: 1n, prevHash, headerTimestamp: ntime, nBits, target: targetFromNbits(nBits) };
  server.setNewPrevHash(SetNewPrevHashTemplate(tip), now);
  for (let requestId = 0; requestId < channels; requestId += 1) open(server, kind, requestId);
  const opened = [...server.channels()].map(([, channel]) => channel);
  for (const { jobs } of opened) jobs.active!.target = new Uint8Array(32).fill(0xff);
  const jobId = opened[0]!.jobs.active!.jobId;
  let count = 0;
  return () => {
    const { channelId, extranonceSize } = opened[count % channels]!;
    count += 1;
    const fields = { ...share(count, channelId), jobId, ntime };
    const message =
      kind === 'standard'
        ? SubmitSharesStandard(fields)
        : SubmitSharesExtended({ ...fields, extranonce: numbered(extranonceSize, count) });
    const [outcome] = server.handle(1, message, now).outcomes;
    if (outcome?.type !== 'ShareAccepted') throw new Error(`a share was not accepted: ${outcome?.type}`);
  };
}

/** An extranonce that no other share has. */
function numbered(size: number, count: number): Uint8Array {
  const extranonce = new Uint8Array(size);
  new DataView(extranonce.buffer).setUint32(0, count);
  return extranonce;
}

function open(server: MiningServer, kind: 'standard' | 'extended', requestId: number): void {
  const request = {
    requestId,
    userIdentity: `miner.${requestId % 10}`,
    nominalHashRate: 0,
    maxTarget: new Uint8Array(32).fill(0xff),
  };
  const message =
    kind === 'standard'
      ? OpenStandardMiningChannel(request)
      : OpenExtendedMiningChannel({ ...request, minExtranonceSize: 8 });
  server.handle(1, message, now);
}
