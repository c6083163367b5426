/** Outcomes for specs of states. */
import {
  SubmitSolution,
  targetFromDifficulty,
  type ClientInfo,
  type MiningServerOutcome,
  type PoolOutcome,
  type ServerInfo,
} from 'rx-sv2';
import { setupConnection } from 'rx-sv2/testing';

type Of<T extends PoolOutcome['type']> = Extract<PoolOutcome, { readonly type: T }> & {
  readonly clientId: number;
};

const client = (clientId: number, connectedAt: number): ClientInfo => ({
  ...{ clientId, peer: { address: `192.0.2.${clientId}:5000`, encrypted: true }, protocol: 'mining' },
  ...{ version: 2, flags: 0, successFlags: 0, extensions: [], connectedAt },
  setupConnection: setupConnection('mining', {
    vendor: 'Bitaxe',
    hardwareVersion: 'BM1370',
    firmware: '2.9',
  }),
});

export const connected = (clientId = 1, connectedAt = 0): Of<'connected'> => ({
  type: 'connected',
  clientId,
  client: client(clientId, connectedAt),
});

export const disconnected = (clientId = 1): Of<'disconnected'> => ({
  ...{ type: 'disconnected', clientId, peer: { address: `192.0.2.${clientId}:5000`, encrypted: true } },
  ...{ protocol: 'mining', reason: { code: 'peer-closed', message: 'the peer closed' } },
});

export const opened = (
  userIdentity = 'alice',
  { clientId = 1, channelId = 1, difficulty = 1_000 } = {},
): Extract<MiningServerOutcome, { type: 'ChannelOpened' }> => ({
  ...{ type: 'ChannelOpened', clientId, channelId, kind: 'extended', userIdentity, nominalHashRate: 1e12 },
  target: targetFromDifficulty(difficulty),
  maxTarget: new Uint8Array(32).fill(0xff),
});

export const closed = (userIdentity = 'alice', clientId = 1, channelId = 1) =>
  ({ type: 'ChannelClosed', clientId, channelId, userIdentity, reason: 'bye' }) as const;

let sequenceNumber = 0;

/** An accepted share. @param reached the difficulty of its hash */
export const share = ({
  clientId = 1,
  channelId = 1,
  userIdentity = 'alice',
  worker = '',
  difficulty = 1_000,
  reached = 0,
} = {}): Extract<MiningServerOutcome, { type: 'ShareAccepted' }> => ({
  ...{ type: 'ShareAccepted', clientId, channelId, userIdentity, worker, jobId: 1 },
  ...{ sequenceNumber: sequenceNumber++, difficulty, hash: targetFromDifficulty(reached || difficulty) },
  target: targetFromDifficulty(difficulty),
});

export const rejectedShare = (errorCode = 'stale-share', worker = '', { clientId = 1, channelId = 1 } = {}) =>
  ({
    ...{ type: 'ShareRejected', clientId, channelId, userIdentity: 'alice', worker, jobId: 1 },
    ...{ sequenceNumber: sequenceNumber++, errorCode, reason: 'in words' },
  }) as Extract<MiningServerOutcome, { type: 'ShareRejected' }>;

const server = (upstream: number): ServerInfo => ({
  ...{ peer: { address: 'tp:8442', encrypted: true }, endpoint: { host: 'tp', port: 8442 }, upstream },
  ...{ protocol: 'templateDistribution', version: 2, flags: 0, extensions: [] },
});

/** The template provider is connected, or is not any more. */
export const provider = (isThere = true): PoolOutcome =>
  isThere
    ? { type: 'connected', protocol: 'templateDistribution', server: server(0) }
    : {
        type: 'disconnected',
        protocol: 'templateDistribution',
        reason: { code: 'connection-reset', message: 'the network broke' },
      };

/** A hash of 32 equal bytes. */
export const hashOf = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);

/** A header on a previous block. */
const headerOn = (prevHash: Uint8Array): Uint8Array => {
  const header = new Uint8Array(80);
  header.set(prevHash, 4);
  return header;
};

const solution = SubmitSolution({
  ...{ templateId: 1n, version: 1, headerTimestamp: 1, headerNonce: 1 },
  coinbaseTx: new Uint8Array(),
});

export const block = (hash: number, prevHash: number): PoolOutcome => ({
  ...{ type: 'BlockFound', clientId: 1, channelId: 1, userIdentity: 'alice', worker: '', jobId: 1 },
  ...{
    hash: hashOf(hash),
    header: headerOn(hashOf(prevHash)),
    coinbaseTx: new Uint8Array(),
    solution,
    payout: [],
  },
});

export const solved = (
  type: 'SolutionHeld' | 'SolutionConfirmed' | 'SolutionLost' | 'SolutionUnanswered',
  hash: number,
  prevHash: number,
): PoolOutcome => ({
  ...{ type, hash: hashOf(hash), header: headerOn(hashOf(prevHash)), solution },
  ...{ others: 0, waited: 1 },
});

export const tip = (byte: number): PoolOutcome => ({
  ...{ type: 'NewTip', prevHash: hashOf(byte), nbits: 0x1d00ffff, missing: null },
});

export const template = (height = 800_000, value = 312_500_000n): PoolOutcome => ({
  ...{ type: 'TemplateReceived', templateId: 1n, futureTemplate: true, height, value },
});
