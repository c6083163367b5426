/** A declaring client between scripted miners, pool, declarator and template provider. */
import { coinbaseTag, doubleSha256, serialiseOutputs, targetFromNbits } from '../../src/bitcoin/index.js';
import {
  declaringClient,
  type DeclaringClient,
  type DeclaringClientOptions,
  type DeclaringClientOutput,
} from '../../src/declaration/index.js';
import {
  AllocateMiningJobTokenSuccess,
  DeclareMiningJobSuccess,
  NewTemplate,
  OpenExtendedMiningChannel,
  OpenExtendedMiningChannelSuccess,
  RequestTransactionDataSuccess,
  SetCustomMiningJobSuccess,
  SetNewPrevHashTemplate,
  SubmitSharesExtended,
  type AllocateMiningJobToken,
  type DeclareMiningJob,
  type Message,
  type SetCustomMiningJob,
} from '../../src/messages/index.js';
import { blockTemplate, NOW, poolScript, poolTag } from './support.js';

export const EASY = 0x207fffff;
const HARD = 0x1d00ffff;
export const transactions = blockTemplate().transactions.map(({ data }) => data);

export const template = (templateId: bigint, futureTemplate = true): NewTemplate =>
  NewTemplate({
    templateId,
    futureTemplate,
    version: 0x2000_0000,
    coinbaseTxVersion: 2,
    coinbasePrefix: Uint8Array.of(3, 0xa0, 0xbb, 0x0d),
    coinbaseTxInputSequence: 0xffff_ffff,
    coinbaseTxValueRemaining: 5_000n,
    coinbaseTxOutputsCount: 0,
    coinbaseTxOutputs: new Uint8Array(0),
    coinbaseTxLocktime: 0,
    merklePath: [],
  });

export const tip = (templateId: bigint, seed: number, nBits = HARD): SetNewPrevHashTemplate =>
  SetNewPrevHashTemplate({
    templateId,
    prevHash: doubleSha256(Uint8Array.of(seed)),
    headerTimestamp: NOW / 1000,
    nBits,
    target: targetFromNbits(nBits),
  });

export const outputs = serialiseOutputs([
  { value: 0n, scriptPubKey: poolScript },
  { value: 0n, scriptPubKey: poolTag },
]);

export const ofType = <T extends Message['type']>(messages: readonly Message[], type: T) =>
  messages.filter((message) => message.type === type) as Extract<Message, { readonly type: T }>[];

export const first = <T extends Message['type']>(messages: readonly Message[], type: T) => {
  const [message] = ofType(messages, type);
  if (message === undefined) throw new Error(`expected a ${type}, got ${messages.map((m) => m.type).join()}`);
  return message;
};

export const token = (number: number) => Uint8Array.of(9, number);
const opened = OpenExtendedMiningChannelSuccess({
  requestId: 1,
  channelId: 7,
  target: new Uint8Array(32).fill(0xff),
  extranonceSize: 8,
  extranoncePrefix: Uint8Array.of(1, 2, 3, 4),
  groupChannelId: 1,
});
const open = OpenExtendedMiningChannel({
  requestId: 1,
  userIdentity: 'farm',
  nominalHashRate: 1,
  maxTarget: new Uint8Array(32).fill(0xff),
  minExtranonceSize: 8,
});
export const share = (sequenceNumber: number, jobId: number, nonce = sequenceNumber) =>
  SubmitSharesExtended({
    channelId: 7,
    sequenceNumber,
    jobId,
    nonce,
    ntime: NOW / 1000,
    version: 0x2000_0000,
    extranonce: new Uint8Array(8),
  });

/** A client with a channel, tokens and a job that it has just begun with. */
export const begun = (options: Partial<DeclaringClientOptions> = {}, nBits = HARD) => {
  const client = declaringClient({
    mode: 'full-template',
    userIdentifier: 'farm',
    tag: coinbaseTag('', 'test'),
    ...options,
  });
  const asked = ofType(client.begin(NOW).toDeclarator, 'AllocateMiningJobToken');
  let given = 0;
  const give = ({ requestId }: AllocateMiningJobToken) =>
    client.fromDeclarator(
      AllocateMiningJobTokenSuccess({
        requestId,
        miningJobToken: token(++given),
        coinbaseTxOutputs: outputs,
      }),
      NOW,
    );
  const room = asked.map(give);
  client.fromTemplates(template(1n), NOW);
  client.fromTemplates(tip(1n, 1, nBits), NOW);
  const { isReady } = client;
  client.fromMiners(open);
  const output = client.fromPool(opened, NOW);
  return { client, output, give, asked, room, isReady };
};

export const data = (templateId: bigint) =>
  RequestTransactionDataSuccess({ templateId, excessData: new Uint8Array(0), transactionList: transactions });

/** The same until its job is accepted. */
export const accepted = (options: Partial<DeclaringClientOptions> = {}, nBits = HARD) => {
  const { client, give } = begun(options, nBits);
  const declaration = first(client.fromTemplates(data(1n), NOW).toDeclarator, 'DeclareMiningJob');
  const set = first(success(client, declaration).toPool, 'SetCustomMiningJob');
  return { client, give, declaration, set, output: accept(client, set) };
};

export const success = (client: DeclaringClient, { requestId }: DeclareMiningJob): DeclaringClientOutput =>
  client.fromDeclarator(DeclareMiningJobSuccess({ requestId, newMiningJobToken: token(200) }), NOW);

export const accept = (client: DeclaringClient, { requestId }: SetCustomMiningJob, jobId = 70) =>
  client.fromPool(SetCustomMiningJobSuccess({ channelId: 7, requestId, jobId }), NOW);
