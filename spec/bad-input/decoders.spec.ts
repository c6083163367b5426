import { inspect } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import * as rx from 'rx-sv2';
import { encodeFrame } from '../../src/framing/frame.js';
import { setupConnection } from '../../src/testing/fixtures.js';
import { exportedFunctions } from '../package/exports.js';

const dataTypes = Object.entries(rx as Record<string, unknown>).filter(
  (entry): entry is [string, rx.DataType<unknown>] =>
    typeof entry[1] === 'object' && entry[1] !== null && 'read' in entry[1] && 'minSize' in entry[1],
);
const payloads = rx.messageCreators.map(
  (creator) => [creator.type, (bytes: Uint8Array) => creator.decode(bytes)] as const,
);
const compound = {
  'SEQ0_64K(B0_255)': rx.SEQ0_64K(rx.B0_255),
  'SEQ0_255(STR0_255)': rx.SEQ0_255(rx.STR0_255),
  'OPTION(U256)': rx.OPTION(rx.U256),
};
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1');
const headerOf = (bytes: Uint8Array) => rx.readHeader(bytes, 0);

/** Everything exported that makes sense of bytes or text from elsewhere. */
const decoders: Record<string, (bytes: Uint8Array) => unknown> = {
  decodeText: rx.decodeText,
  readTlvs: (bytes) => rx.readTlvs(bytes, 0),
  userIdentityOf: (bytes) => rx.userIdentityOf({ tlvs: [{ extensionType: 2, fieldType: 1, value: bytes }] }),
  readHeader: headerOf,
  decodeFrame: rx.decodeFrame,
  decodeMessage: (bytes) => rx.decodeMessage(headerOf(bytes), bytes.subarray(6)),
  frameAssembler: (bytes) => [...rx.frameAssembler(1_000).push(bytes)],
  createFrameOpener: (bytes) => {
    const frames: unknown[] = [];
    const opener = rx.createFrameOpener(new rx.CipherState(rx.nobleCrypto, new Uint8Array(32)), 1_000);
    opener.push(bytes, (header, payload) => frames.push([header.slice(), payload]));
    return [frames, opener.pending];
  },
  fromJson: (bytes) => rx.fromJson(text(bytes)),
  isPublicKey: rx.isPublicKey,
  isTrivialScript: rx.isTrivialScript,
  isSecretKey: rx.isSecretKey,
  isXOnlyPublicKey: rx.isXOnlyPublicKey,
  decodeAuthorityPublicKey: (bytes) => rx.decodeAuthorityPublicKey(text(bytes)),
  decodeAuthoritySecretKey: (bytes) => rx.decodeAuthoritySecretKey(text(bytes)),
  decodeSignatureNoiseMessage: rx.decodeSignatureNoiseMessage,
  parseStratumUrl: (bytes) => rx.parseStratumUrl(`stratum2+tcp://${text(bytes)}`),
  fromDisplayHex: (bytes) => rx.fromDisplayHex(text(bytes)),
  toDisplayHex: rx.toDisplayHex,
  parseOutputs: rx.parseOutputs,
  parseTemplateOutputs: (bytes) => rx.parseTemplateOutputs(bytes, 2),
  parseTransaction: rx.parseTransaction,
  stripWitness: rx.stripWitness,
  parseBlockHeader: rx.parseBlockHeader,
  blockHash: rx.blockHash,
  createHeaderHasher: (bytes) => typeof rx.createHeaderHasher(bytes),
  headerVersion: rx.headerVersion,
  withVersion: (bytes) => rx.withVersion(bytes, 1),
  parseBlock: rx.parseBlock,
  decodeCompactSize: (bytes) => rx.decodeCompactSize(bytes),
  decodeBip34Height: rx.decodeBip34Height,
  countLegacySigops: rx.countLegacySigops,
  findWitnessCommitment: (bytes) => rx.findWitnessCommitment([{ scriptPubKey: bytes }]),
  stripCoinbaseWitness: (bytes) =>
    rx.stripCoinbaseWitness({ coinbaseTxPrefix: bytes, coinbaseTxSuffix: bytes }),
  parsePayoutScript: (bytes) => rx.parsePayoutScript(text(bytes)),
  scriptFromAddress: (bytes) => rx.scriptFromAddress(text(bytes)),
  scriptFromDescriptor: (bytes) => rx.scriptFromDescriptor(text(bytes)),
  doubleSha256: rx.doubleSha256,
  targetToBigInt: rx.targetToBigInt,
  nbitsFromTarget: rx.nbitsFromTarget,
  difficultyFromTarget: rx.difficultyFromTarget,
  hashrateFromTarget: (bytes) => rx.hashrateFromTarget(bytes, 1),
  meetsTarget: (bytes) => rx.meetsTarget(bytes, bytes),
  compareTargets: (bytes) => rx.compareTargets(bytes, new Uint8Array(32)),
  merkleRootFromPath: (bytes) => rx.merkleRootFromPath(bytes, [bytes]),
  merklePathOfCoinbase: (bytes) => rx.merklePathOfCoinbase([bytes]),
  merkleRoot: (bytes) => rx.merkleRoot([bytes]),
  witnessMerkleRoot: (bytes) => rx.witnessMerkleRoot([bytes]),
  witnessCommitment: (bytes) => rx.witnessCommitment(bytes),
  witnessCommitmentScript: rx.witnessCommitmentScript,
  hardestTarget: (bytes) => rx.hardestTarget(bytes),
  refusedTarget: (bytes) => rx.refusedTarget(1, bytes),
  blockHashOf: (bytes) => rx.blockHashOf(1, bytes, bytes, 0, 0, 0),
  swapWords: rx.swapWords,
  reverseBytes: rx.reverseBytes,
  parseJson: (bytes) => rx.parseJson(text(bytes)),
  parseSv1Url: (bytes) => rx.parseSv1Url(text(bytes)),
  // an error that is returned is one thing wherever it was made
  decodeSv1: (bytes) => withoutStacks(rx.decodeSv1(text(bytes))),
  readPayout: rx.readPayout,
  readDeclaredCoinbase: (bytes) =>
    rx.readDeclaredCoinbase({ coinbaseTxPrefix: bytes, coinbaseTxSuffix: bytes }),
  outputCost: rx.outputCost,
  dustLimit: rx.dustLimit,
  decodeRecords: rx.decodeRecords,
  parseFraction: (bytes) => rx.parseFraction(text(bytes)),
  parseIdentity: (bytes) => rx.parseIdentity(text(bytes)),
  parseStatement: (bytes) => rx.parseStatement(text(bytes)),
  nextHead: (bytes) => rx.nextHead(bytes, bytes),
  workOf: rx.workOf,
  protocolOf: rx.protocolOf,
  Reader: (bytes) => new rx.Reader(bytes).u64(),
};

/** Decoders with keys or random numbers of their own: what they return differs each time, and they are slow. */
const handshake: Record<string, (bytes: Uint8Array) => unknown> = {
  createInitiator: (bytes) => rx.createInitiator(rx.nobleCrypto, undefined).finish(bytes, 0),
  respond: (bytes) => rx.respond(rx.nobleCrypto, identity, bytes),
  respondWithKeys: (bytes) => rx.respondWithKeys(rx.nobleCrypto, identity, bytes),
};
const authority = rx.generateAuthorityKeyPair(rx.nobleCrypto);
const identity = rx
  .createStaticKey(rx.nobleCrypto, { authoritySecretKey: authority.secretKey, certValiditySeconds: 3_600 })
  .identity(1_700_000_000);

/** What takes bytes of its caller's own making: to encode, to encrypt, to be given to a channel that is open. */
const takesOurOwn = [
  'Writer',
  'writeTlvs',
  'writeHeader',
  'CipherState',
  'sealFrames',
  'encodeAuthorityPublicKey',
  'encodeAuthoritySecretKey',
  'doubleSha256Pair',
  'joinBlock',
  'coinbaseScriptSigPrefix',
  'assembleCoinbase',
  'receiveTarget',
  'receiveExtranoncePrefix',
  'jobMerkleRoot',
  'channelJobMerkleRoot',
  'fullExtranonceOf',
  // of a statement that parseStatement has read
  'readRules',
];

/** Random bytes, often of a length that means something, sometimes the beginning of what is right. */
const samples = [
  encodeFrame(setupConnection()),
  rx.serialiseTransaction({
    version: 2,
    inputs: [
      {
        previousTxid: new Uint8Array(32),
        previousIndex: 0,
        scriptSig: Uint8Array.of(1, 2, 3),
        sequence: 0,
        witness: [new Uint8Array(3)],
      },
    ],
    outputs: [{ value: 5n, scriptPubKey: new Uint8Array(22) }],
    locktime: 0,
  }),
  rx.encodeSignatureNoiseMessage(identity.certificate),
  new TextEncoder().encode(rx.encodeAuthorityPublicKey(authority.publicKey)),
  new TextEncoder().encode('{"name":"Reconnect","payload":{"newHost":"a","newPort":1}}'),
];
const bytesArbitrary = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  fc
    .constantFrom(0, 1, 31, 32, 33, 73, 74, 75, 79, 80, 81)
    .chain((length) => fc.uint8Array({ minLength: length, maxLength: length })),
  fc
    .tuple(fc.constantFrom(...samples), fc.nat(), fc.option(fc.tuple(fc.nat(), fc.nat(255))))
    .map(([sample, cut, change]) => {
      const bytes = sample.slice(0, cut % (sample.length + 1));
      if (change !== null && bytes.length > 0) bytes[change[0] % bytes.length] = change[1];
      return bytes;
    }),
);

/** A value whose errors are the same wherever they were made. */
const withoutStacks = (value: object): object =>
  Object.fromEntries(
    Object.entries(value).map(([name, part]) => [
      name,
      part instanceof Error ? part.message : (part as unknown),
    ]),
  );

/** The bytes as a part of a larger buffer. */
function among(bytes: Uint8Array, neighbour: number): Uint8Array {
  const whole = new Uint8Array(bytes.length + 96).fill(neighbour);
  whole.set(bytes, 32);
  return whole.subarray(32, 32 + bytes.length);
}

/** What a decoder makes of bytes, as text; fails if it throws what is none of this library's errors. */
function outcome(decode: (bytes: Uint8Array) => unknown, bytes: Uint8Array): string {
  const before = Buffer.from(bytes.buffer).toString('hex');
  let result: string;
  try {
    result = inspect(decode(bytes), { depth: null, maxArrayLength: null, maxStringLength: null });
  } catch (error) {
    if (!(error instanceof rx.Sv2Error)) throw error;
    expect(error.code).toMatch(/^[a-z0-9-]+$/);
    result = `${error.name} ${error.code} ${error.message}`;
  }
  expect(Buffer.from(bytes.buffer).toString('hex')).toBe(before);
  return result;
}

const all = [
  ...Object.entries(decoders),
  ...payloads,
  ...[...dataTypes, ...Object.entries<rx.DataType<unknown>>(compound)].map(
    ([name, type]) => [name, (bytes: Uint8Array) => type.read(new rx.Reader(bytes))] as const,
  ),
];

describe('every exported decoder makes of any bytes a value or an Sv2Error, and reads and writes no others', () => {
  test.each(all)('%s', (_, decode) => {
    fc.assert(
      fc.property(bytesArbitrary, (bytes) => {
        expect(outcome(decode, among(bytes, 0xff))).toBe(outcome(decode, among(bytes, 0x00)));
      }),
      { seed: 42, numRuns: 200 },
    );
  });

  test.each(Object.entries(handshake))('%s', (_, decode) => {
    fc.assert(
      fc.property(bytesArbitrary, (bytes) => void outcome(decode, among(bytes, 0xff))),
      { seed: 42, numRuns: 20 },
    );
  });

  test('none is forgotten', () => {
    const functions = exportedFunctions('src/index.ts');
    const takesBytes = functions
      .filter(({ parameters }) => parameters.flat().some((type) => /^Uint8Array\b/.test(type)))
      .map(({ name }) => name);
    const named = functions
      .map(({ name }) => name)
      .filter((name) => /^(decode|parse|read|from[A-Z])/.test(name));
    expect(takesBytes.length).toBeGreaterThan(30);
    const known = [...Object.keys(decoders), ...Object.keys(handshake), ...takesOurOwn];
    expect([...new Set([...takesBytes, ...named])].filter((name) => !known.includes(name))).toEqual([]);
    expect(dataTypes.length).toBeGreaterThan(15);
    expect(payloads.length).toBe(44);
  });
});
