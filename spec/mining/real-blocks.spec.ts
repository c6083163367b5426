import { describe, expect, it } from '@jest/globals';
import {
  merklePathOfCoinbase,
  parseBlock,
  parseBlockHeader,
  parseTransaction,
  serialiseOutputs,
  serialiseTemplateOutputs,
  serialiseTransaction,
  targetFromNbits,
  toDisplayHex,
  txid,
  fromDisplayHex,
  type BlockHeader,
  type Transaction,
} from '../../src/bitcoin/index.js';
import {
  extranonceAllocator,
  fullExtranonceOf,
  nextWork,
  workHeader,
  type MiningServer,
  type MiningServerOutput,
} from '../../src/mining/index.js';
import type { NewTemplate, SetCustomMiningJobSuccess } from '../../src/messages/index.js';
import { SetCustomMiningJob, SubmitSharesExtended, SubmitSharesStandard } from '../../src/messages/index.js';
import { receiveCustomJob } from '../../src/mining/channels/client-channel.js';
import { blockFile, bytes, segwitBlock } from '../bitcoin/support.js';
import {
  openExtended,
  openStandard,
  outcomeOf,
  prevHashFor,
  sentTo,
  server,
  template,
  typesOf,
  wire,
  noMarks,
  zeros,
  REQUIRES_STANDARD_JOBS,
  REQUIRES_WORK_SELECTION,
} from './support.js';

/** The parts of a block that a pool, its template provider and a miner would have put together. */
interface TakenApart {
  readonly header: BlockHeader;
  readonly coinbase: Transaction;
  readonly scriptSig: Uint8Array;
  readonly merklePath: readonly Uint8Array[];
  /** The time the block was found. */
  readonly now: number;
}

const takeApart = (header: BlockHeader, coinbase: Transaction, txids: readonly Uint8Array[]): TakenApart => ({
  header,
  coinbase,
  scriptSig: coinbase.inputs[0]?.scriptSig ?? new Uint8Array(),
  merklePath: merklePathOfCoinbase(txids),
  now: header.ntime * 1000,
});

const wholeBlock = (name: string): TakenApart => {
  const { header, transactions } = parseBlock(blockFile(name));
  const [coinbase, ...others] = transactions;
  return takeApart(header, coinbase as Transaction, others.map(txid));
};

const early = wholeBlock('main-170.bin');
const preSegwit = wholeBlock('main-277647.bin');
const segwit = takeApart(
  parseBlockHeader(bytes(segwitBlock.header)),
  parseTransaction(bytes(segwitBlock.coinbase)),
  segwitBlock.transactions.map(({ txid }) => fromDisplayHex(txid)),
);

/** A template that gives this block's coinbase, with the first bytes of its scriptSig; the pool pays all outputs. */
const templateOf = ({ header, coinbase, merklePath }: TakenApart, coinbasePrefix: Uint8Array): NewTemplate =>
  template(1, {
    version: header.version,
    coinbaseTxVersion: coinbase.version,
    coinbasePrefix,
    coinbaseTxInputSequence: coinbase.inputs[0]?.sequence ?? 0,
    coinbaseTxValueRemaining: coinbase.outputs.reduce((sum, { value }) => sum + value, 0n),
    coinbaseTxOutputsCount: 0,
    coinbaseTxOutputs: serialiseTemplateOutputs([]),
    coinbaseTxLocktime: coinbase.locktime,
    merklePath,
  });

const prevHashOf = ({ header: { prevHash, nbits, ntime } }: TakenApart) =>
  prevHashFor(1, {
    prevHash,
    nBits: nbits,
    headerTimestamp: ntime - 600,
    target: targetFromNbits(nbits),
  });

/** Asks for targets no easier than the block's, so that a share is a block or nothing. */
const asHardAs = ({ header }: TakenApart) => ({ maxTarget: targetFromNbits(header.nbits) });

/** Every U32 that differs from `value` in one bit. */
const oneBitOff = (value: number): number[] =>
  Array.from({ length: 32 }, (_, bit) => (value ^ (1 << bit)) >>> 0);

/** Every byte string that differs in one bit. */
const oneBitOffBytes = (value: Uint8Array): Uint8Array[] =>
  Array.from({ length: 8 * value.length }, (_, bit) =>
    value.map((byte, index) => (index === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte)),
  );

type ShareFields = Pick<BlockHeader, 'nonce' | 'ntime' | 'version'>;

/** The block's real share is a block, and no share that is one bit off is anything. */
const expectOnlyTheRealShare = (
  { header: { nonce, ntime, version } }: TakenApart,
  submit: (fields: ShareFields) => MiningServerOutput,
  submitExtranonce?: {
    readonly real: Uint8Array;
    readonly submit: (extranonce: Uint8Array) => MiningServerOutput;
  },
): MiningServerOutput => {
  const real = { nonce, ntime, version };
  const wrong = [
    ...oneBitOff(nonce).map((value) => submit({ ...real, nonce: value })),
    ...oneBitOff(ntime).map((value) => submit({ ...real, ntime: value })),
    ...oneBitOff(version).map((value) => submit({ ...real, version: value })),
    ...(submitExtranonce === undefined
      ? []
      : oneBitOffBytes(submitExtranonce.real).map((value) => submitExtranonce.submit(value))),
  ];
  for (const output of wrong) {
    expect(typesOf(output.outcomes)).toEqual(['ShareRejected']);
    expect(typesOf(sentTo(output))).toEqual(['SubmitShares.Error']);
  }
  const codes = new Set(wrong.map((output) => outcomeOf(output, 'ShareRejected').errorCode));
  expect(codes).toEqual(new Set(['difficulty-too-low', 'invalid-share', 'invalid-non-rollable-version-bit']));

  const found = submit(real);
  expect(typesOf(found.outcomes)).toEqual(['ShareAccepted', 'BlockFound']);
  expect(typesOf(sentTo(found))).toEqual(['SubmitShares.Success']);
  expect(outcomeOf(submit(real), 'ShareRejected').errorCode).toBe('duplicate-share');
  return found;
};

describe('block 170: a template, and the third standard channel of a miner', () => {
  // scriptSig: a push of 4 bytes, which is the "tag", then a push of the 1-byte extranonce 02
  const miningServer: MiningServer = server({
    extranonce: extranonceAllocator({ indexSize: 1, size: 1, randomBytes: zeros }),
    marks: noMarks,
    tag: early.scriptSig.slice(1, 5),
    payoutOutputs: () => early.coinbase.outputs,
  });
  miningServer.newTemplate(templateOf(early, new Uint8Array()));
  miningServer.setNewPrevHash(prevHashOf(early), early.now - 600_000);
  const { client, send } = wire(miningServer, 1, REQUIRES_STANDARD_JOBS);
  for (const requestId of [1, 2, 3]) send(openStandard({ requestId, ...asHardAs(early) }), early.now);
  const channel = [...client.channels.values()][2]!;

  it("gives the miner the block's header", () => {
    const work = nextWork(channel, early.now)!;
    expect(workHeader(work, early.header)).toEqual(blockFile('main-170.bin').slice(0, 80));
  });

  it('accepts its real nonce as a block, and nothing one bit off', () => {
    const { channelId } = channel;
    const jobId = channel.jobs.active?.jobId ?? 0;
    const found = expectOnlyTheRealShare(early, (fields) =>
      miningServer.handle(
        1,
        SubmitSharesStandard({ channelId, sequenceNumber: 1, jobId, ...fields }),
        early.now,
      ),
    );
    const { hash, solution } = outcomeOf(found, 'BlockFound');
    expect(toDisplayHex(hash)).toBe('00000000d1145790a8694403d4063f323d499e655c83426834d4ce2f8dd4a2ee');
    expect(solution).toMatchObject({
      templateId: 1n,
      version: early.header.version,
      headerTimestamp: early.header.ntime,
      headerNonce: early.header.nonce,
      coinbaseTx: serialiseTransaction(early.coinbase),
    });
  });
});

describe('block 277,647: a template with 212 transactions, and an extended channel', () => {
  // scriptSig: 29 bytes, a push of 44, which is the "tag", then a push of the extranonce 000008d700000dce
  const extranonce = preSegwit.scriptSig.slice(80);
  const miningServer = server({
    extranonce: extranonceAllocator({
      upstreamPrefix: preSegwit.scriptSig.slice(75, 79),
      indexSize: 1,
      size: 8,
      randomBytes: zeros,
    }),
    marks: noMarks,
    tag: preSegwit.scriptSig.slice(30, 74),
    payoutOutputs: () => preSegwit.coinbase.outputs,
  });
  miningServer.newTemplate(templateOf(preSegwit, preSegwit.scriptSig.slice(0, 29)));
  miningServer.setNewPrevHash(prevHashOf(preSegwit), preSegwit.now - 600_000);
  const { client, send } = wire(miningServer);
  send(openExtended({ minExtranonceSize: 3, ...asHardAs(preSegwit) }), preSegwit.now);
  const channel = [...client.channels.values()][0]!;

  it('accepts its real share as a block, and nothing one bit off', () => {
    const { channelId } = channel;
    const jobId = channel.jobs.active?.jobId ?? 0;
    const real = {
      nonce: preSegwit.header.nonce,
      ntime: preSegwit.header.ntime,
      version: preSegwit.header.version,
    };
    const submit = (fields: Partial<ShareFields & { extranonce: Uint8Array }>) =>
      miningServer.handle(
        1,
        SubmitSharesExtended({ channelId, sequenceNumber: 1, jobId, extranonce, ...real, ...fields }),
        preSegwit.now,
      );
    const found = expectOnlyTheRealShare(preSegwit, submit, {
      real: extranonce,
      submit: (value) => submit({ extranonce: value }),
    });
    const { solution } = outcomeOf(found, 'BlockFound');
    // the block has no witness commitment, so its coinbase may have no witness
    expect(solution?.coinbaseTx).toEqual(serialiseTransaction(preSegwit.coinbase));
  });

  it('is the same header on the client, whose merkle root takes its extranonce', () => {
    channel.extranonce.set(extranonce);
    const work = nextWork(channel, preSegwit.now)!;
    expect(work.extranonce).toEqual(extranonce);
    expect(fullExtranonceOf(channel.jobs.active!, work.extranonce)).toEqual(preSegwit.scriptSig.slice(75));
    expect(workHeader(work, preSegwit.header)).toEqual(blockFile('main-277647.bin').slice(0, 80));
  });
});

describe('SegWit block 540,107: a custom job', () => {
  // the last 8 bytes of the scriptSig for an extranonce: ba58 from upstream, index 00, 5 bytes to roll
  const extranonceStart = segwit.scriptSig.length - 8;
  const extranonce = segwit.scriptSig.slice(extranonceStart + 3);
  const miningServer = server({
    extranonce: extranonceAllocator({
      upstreamPrefix: segwit.scriptSig.slice(extranonceStart, extranonceStart + 2),
      indexSize: 1,
      size: 8,
      randomBytes: zeros,
    }),
    marks: noMarks,
    acceptCustomJob: () => null,
  });
  miningServer.newTemplate(template(1));
  miningServer.setNewPrevHash(prevHashOf(segwit), segwit.now - 600_000);
  const { client, send } = wire(miningServer, 1, REQUIRES_WORK_SELECTION);
  send(openExtended(asHardAs(segwit)), segwit.now);
  const channel = [...client.channels.values()][0]!;
  const { channelId } = channel;
  const job = SetCustomMiningJob({
    channelId,
    requestId: 9,
    miningJobToken: Uint8Array.of(1),
    version: segwit.header.version,
    prevHash: segwit.header.prevHash,
    minNtime: segwit.header.ntime - 600,
    nbits: segwit.header.nbits,
    coinbaseTxVersion: segwit.coinbase.version,
    coinbasePrefix: segwit.scriptSig.slice(0, extranonceStart),
    coinbaseTxInputNSequence: segwit.coinbase.inputs[0]?.sequence ?? 0,
    coinbaseTxOutputs: serialiseOutputs(segwit.coinbase.outputs),
    coinbaseTxLocktime: segwit.coinbase.locktime,
    merklePath: segwit.merklePath,
  });
  const [answer] = sentTo(send(job, segwit.now));
  const accepted = answer as SetCustomMiningJobSuccess;

  it('accepts its real share as a block, and nothing one bit off; the coinbase has its witness', () => {
    expect(accepted.type).toBe('SetCustomMiningJob.Success');
    const { jobId } = accepted;
    const { nonce, ntime, version } = segwit.header;
    const submit = (fields: Partial<ShareFields & { extranonce: Uint8Array }>) =>
      miningServer.handle(
        1,
        SubmitSharesExtended({
          channelId,
          sequenceNumber: 1,
          jobId,
          nonce,
          ntime,
          version,
          extranonce,
          ...fields,
        }),
        segwit.now,
      );
    const found = expectOnlyTheRealShare(segwit, submit, {
      real: extranonce,
      submit: (value) => submit({ extranonce: value }),
    });
    const { hash, header, coinbaseTx, solution } = outcomeOf(found, 'BlockFound');
    expect(toDisplayHex(hash)).toBe(segwitBlock.hash);
    expect(header).toEqual(bytes(segwitBlock.header));
    expect(coinbaseTx).toEqual(bytes(segwitBlock.coinbase));
    expect(solution).toBeNull();
  });

  it('is the same header on the client', () => {
    receiveCustomJob(channel, job, accepted, segwit.now);
    channel.extranonce.set(extranonce);
    expect(workHeader(nextWork(channel, segwit.now)!, segwit.header)).toEqual(bytes(segwitBlock.header));
  });

  it('is no block with a job that is one bit off', () => {
    const { nonce, ntime, version } = segwit.header;
    const changed = [
      ...oneBitOffBytes(job.coinbasePrefix.slice(0, 4)).map((coinbasePrefix) => ({
        coinbasePrefix: Uint8Array.of(...coinbasePrefix, ...job.coinbasePrefix.slice(4)),
      })),
      ...oneBitOff(job.coinbaseTxVersion).map((coinbaseTxVersion) => ({ coinbaseTxVersion })),
      ...oneBitOff(job.coinbaseTxInputNSequence).map((value) => ({ coinbaseTxInputNSequence: value })),
      ...oneBitOff(job.coinbaseTxLocktime).map((coinbaseTxLocktime) => ({ coinbaseTxLocktime })),
      ...job.merklePath.map((entry, index) => ({
        merklePath: job.merklePath.with(
          index,
          entry.map((byte, at) => (at === 31 ? byte ^ 1 : byte)),
        ),
      })),
    ];
    for (const fields of changed) {
      const [success] = sentTo(send({ ...job, ...fields }, segwit.now));
      const { jobId } = success as SetCustomMiningJobSuccess;
      const share = { channelId, sequenceNumber: 1, jobId, nonce, ntime, version, extranonce };
      const output = miningServer.handle(1, SubmitSharesExtended(share), segwit.now);
      expect(outcomeOf(output, 'ShareRejected').errorCode).toBe('difficulty-too-low');
    }
  });
});
