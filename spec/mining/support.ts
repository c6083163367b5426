import {
  blockHash,
  createHeaderHasher,
  doubleSha256,
  targetFromNbits,
  type TxOut,
} from '../../src/bitcoin/index.js';
import {
  extranonceAllocator,
  jobMarks,
  miningClient,
  type MiningClientOptions,
  type OpenMiningChannel,
  miningServer,
  nextWork,
  shareFrom,
  submission,
  workHeader,
  type ClientChannel,
  type MiningClient,
  type MiningClientMessage,
  type MiningServer,
  type MiningServerMessage,
  type MiningServerOptions,
  type MiningServerOutcome,
  type MiningServerOutput,
} from '../../src/mining/index.js';
import {
  miningSetupFlags,
  NewTemplate,
  OpenExtendedMiningChannel,
  OpenStandardMiningChannel,
  SetNewPrevHashTemplate,
  type Message,
} from '../../src/messages/index.js';

/** The clock of these specs starts here, in milliseconds; and in seconds. */
export const NOW = 1_700_000_000_000;
export const NTIME = NOW / 1000;

export const {
  requiresStandardJobs: REQUIRES_STANDARD_JOBS,
  requiresWorkSelection: REQUIRES_WORK_SELECTION,
} = miningSetupFlags;

/** Regtest's nbits: every second hash is a block. */
export const REGTEST_NBITS = 0x207fffff;
/** Difficulty 1: no hash computed here is a block. */
export const HARD_NBITS = 0x1d00ffff;
export const EASIEST_TARGET: Uint8Array = new Uint8Array(32).fill(0xff);

/** 32 bytes told apart by a number. */
export const hash = (seed: number): Uint8Array => doubleSha256(Uint8Array.of(seed & 0xff, seed >>> 8));

export const payoutScript = Uint8Array.of(0x00, 0x14, ...new Uint8Array(20).fill(7));
export const payoutOutputs = (value: bigint): TxOut[] => [{ value, scriptPubKey: payoutScript }];

export const template = (
  templateId: number,
  fields: Partial<Omit<NewTemplate, 'type' | 'templateId'>> = {},
): NewTemplate =>
  NewTemplate({
    templateId: BigInt(templateId),
    futureTemplate: true,
    version: 0x2000_0000,
    coinbaseTxVersion: 2,
    coinbasePrefix: Uint8Array.of(0x02, 0x10, 0x27),
    coinbaseTxInputSequence: 0xffff_ffff,
    coinbaseTxValueRemaining: 5_000_000_000n + BigInt(templateId),
    coinbaseTxOutputsCount: 1,
    coinbaseTxOutputs: Uint8Array.of(
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      38,
      0x6a,
      0x24,
      0xaa,
      0x21,
      0xa9,
      0xed,
      ...hash(9),
    ),
    coinbaseTxLocktime: 0,
    merklePath: [hash(1), hash(2), hash(3)],
    ...fields,
  });

export const prevHashFor = (
  templateId: number,
  fields: Partial<Omit<SetNewPrevHashTemplate, 'type' | 'templateId'>> = {},
): SetNewPrevHashTemplate => {
  const nBits = fields.nBits ?? HARD_NBITS;
  return SetNewPrevHashTemplate({
    templateId: BigInt(templateId),
    prevHash: hash(1000 + templateId),
    headerTimestamp: NTIME,
    nBits,
    target: targetFromNbits(nBits),
    ...fields,
  });
};

/** Allocators begin at index 0 with it. */
export const zeros = (length: number): Uint8Array => new Uint8Array(length);

/** Makes coinbases that depend on their template alone, as those of the reference implementation. */
export const noMarks = (): Uint8Array => new Uint8Array(0);

/** A server whose channels have targets that most hashes meet. */
export const server = (options: Partial<MiningServerOptions> = {}): MiningServer =>
  miningServer({
    extranonce: extranonceAllocator({ randomBytes: zeros }),
    marks: jobMarks(zeros),
    payoutOutputs,
    sharesPerMinute: 60,
    shareBatchSize: 1,
    minHashrate: 1,
    vardiff: false,
    ...options,
  });

export const openStandard = (
  fields: Partial<Omit<OpenStandardMiningChannel, 'type'>> = {},
): OpenStandardMiningChannel =>
  OpenStandardMiningChannel({
    requestId: 1,
    userIdentity: 'satoshi.one',
    nominalHashRate: 1,
    maxTarget: EASIEST_TARGET,
    ...fields,
  });

export const openExtended = (
  fields: Partial<Omit<OpenExtendedMiningChannel, 'type'>> = {},
): OpenExtendedMiningChannel =>
  OpenExtendedMiningChannel({
    requestId: 1,
    userIdentity: 'satoshi.two',
    nominalHashRate: 1,
    maxTarget: EASIEST_TARGET,
    minExtranonceSize: 4,
    ...fields,
  });

/** The messages for one client. */
export const sentTo = (output: MiningServerOutput, clientId = 1): readonly Message[] =>
  output.messages.filter((entry) => entry.clientId === clientId).flatMap(({ messages }) => messages);

export const typesOf = (messages: readonly { readonly type: string }[]): string[] =>
  messages.map(({ type }) => type);

/** The only outcome of this type. */
export const outcomeOf = <T extends MiningServerOutcome['type']>(
  { outcomes }: MiningServerOutput,
  type: T,
): Extract<MiningServerOutcome, { type: T }> => {
  const found = outcomes.filter((outcome) => outcome.type === type);
  if (found.length !== 1) throw new Error(`expected one ${type}, got ${JSON.stringify(typesOf(outcomes))}`);
  return found[0] as Extract<MiningServerOutcome, { type: T }>;
};

const isOpening = (message: MiningClientMessage): message is OpenMiningChannel =>
  message.type === 'OpenStandardMiningChannel' || message.type === 'OpenExtendedMiningChannel';

/** A client wired to a server: what the server sends reaches it at once. */
export interface WiredClient {
  readonly client: MiningClient;
  readonly clientId: number;
  /** Sends a message and takes in what comes back. */
  send(message: MiningClientMessage, now?: number): MiningServerOutput;
  /** Takes in what the server has sent it. */
  receive(output: MiningServerOutput, now?: number): MiningServerOutput;
}

export const wire = (
  miningServer: MiningServer,
  clientId = 1,
  flags = 0,
  options: MiningClientOptions = {},
): WiredClient => {
  const client = miningClient(options);
  miningServer.addClient(clientId, flags);
  const receive = (output: MiningServerOutput, now = NOW): MiningServerOutput => {
    for (const message of sentTo(output, clientId)) {
      if (message.type.startsWith('SubmitShares.') || message.type.startsWith('SetCustomMiningJob.'))
        continue;
      if (message.type === 'UpdateChannel.Error') continue;
      client.handle(message as MiningServerMessage, now);
    }
    return output;
  };
  const send = (message: MiningClientMessage, now = NOW): MiningServerOutput => {
    if (isOpening(message)) client.request(message);
    return receive(miningServer.handle(clientId, message, now), now);
  };
  return { client, clientId, send, receive };
};

/** A client with one channel open. */
export const wireChannel = (
  miningServer: MiningServer,
  request: OpenStandardMiningChannel | OpenExtendedMiningChannel = openStandard(),
  {
    clientId = 1,
    flags = 0,
    ...options
  }: MiningClientOptions & { readonly clientId?: number; readonly flags?: number } = {},
): WiredClient & { readonly channel: ClientChannel } => {
  const wired = wire(miningServer, clientId, flags, options);
  wired.send(request);
  const [channel] = wired.client.channels.values();
  if (channel === undefined) throw new Error('the channel was not opened');
  return { ...wired, channel };
};

/** Mines a share for a channel's current work, and the message that submits it. */
export const mineShare = (channel: ClientChannel, now = NOW, firstNonce = 0) => {
  const work = nextWork(channel, now);
  if (work === null) throw new Error('there is no work');
  const hasher = createHeaderHasher(workHeader(work, { nonce: 0 }));
  const nonce = hasher.search(firstNonce, 1_000_000, work.target);
  if (nonce === null) throw new Error('no share found');
  const header = workHeader(work, { nonce });
  const share = shareFrom(work, { nonce });
  return { work, share, header, hash: blockHash(header), message: submission(channel, share) };
};
