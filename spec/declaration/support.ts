/** What specs of job declaration share: a chain with transactions, clients' templates of it, and what they declare. */
import {
  blockHash,
  buildCoinbase,
  coinbaseScriptSigPrefix,
  coinbaseTag,
  doubleSha256,
  assembleCoinbase,
  merkleRootFromPath,
  merklePathOfCoinbase,
  meetsTarget,
  serialiseOutputs,
  targetFromNbits,
  witnessCommitment,
  witnessCommitmentScript,
  witnessMerkleRoot,
  type TxOut,
} from '../../src/bitcoin/index.js';
import { u64Bytes, concatBytes } from '../../src/bitcoin/consensus-bytes.js';
import { encodeBip34Height } from '../../src/bitcoin/script.js';
import {
  jobDeclarator,
  type JobDeclarator,
  type JobDeclaratorOptions,
  type JobDeclaratorOutcome,
  type JobDeclaratorOutput,
} from '../../src/declaration/index.js';
import {
  AllocateMiningJobToken,
  DeclareMiningJob,
  jobDeclarationSetupFlags,
  PushSolution,
  SetCustomMiningJob,
  type AllocateMiningJobTokenSuccess,
  type Message,
} from '../../src/messages/index.js';
import type { BlockTemplate, TemplateTransaction } from '../../src/roles/template-provider/block-source.js';
import { createSimulatedChain } from '../../src/roles/template-provider/simulated-chain.js';
import { seededRandom } from '../../src/roles/template-provider/simulated-transactions.js';

/** The clock of these specs, in milliseconds. */
export const NOW = 1_700_000_000_000;

/** Every second hash is a block. */
export const EASY_NBITS = 0x207fffff;

export const poolScript = Uint8Array.of(0x00, 0x14, ...new Uint8Array(20).fill(7));
export const otherScript = Uint8Array.of(0x00, 0x14, ...new Uint8Array(20).fill(8));
export const poolTag = Uint8Array.of(0x6a, 2, 0xab, 0xcd);

/** The next block of a chain that is the same each time. */
export const blockTemplate = (initialTransactions = 8, seed = 1): BlockTemplate =>
  createSimulatedChain(
    { initialTransactions, seed, nbits: EASY_NBITS, transactionsPerSecond: 0 },
    NOW,
  ).template(NOW);

/** A declarator that pays the pool's script, with a tip, that knows the first so many transactions of a template. */
export const declaratorWith = (
  template: BlockTemplate,
  options: Partial<JobDeclaratorOptions> = {},
  known = template.transactions.length,
): JobDeclarator => {
  const declarator = jobDeclarator({
    outputs: [{ value: 0n, scriptPubKey: poolScript }],
    randomBytes: (length) => random.bytes(length),
    ...options,
  });
  declarator.template(templateOf(template, known), NOW);
  return declarator;
};

const random = seededRandom(77);

/** A template as a node would have it that knows the first so many of its transactions. */
export const templateOf = (template: BlockTemplate, known: number): BlockTemplate => {
  const hidden = template.transactions.slice(known).reduce((sum, { fee }) => sum + fee, 0n);
  return {
    ...template,
    transactions: template.transactions.slice(0, known),
    coinbaseValue: template.coinbaseValue - hidden,
  };
};

export const sentTo = (output: JobDeclaratorOutput): readonly Message[] =>
  output.messages.flatMap(({ messages }) => messages);

/** The only message that an output sends. */
export const answer = <T extends Message['type']>(
  output: JobDeclaratorOutput,
  type: T,
): Extract<Message, { readonly type: T }> => {
  const [message, ...others] = sentTo(output);
  if (message?.type !== type || others.length > 0) {
    const details = message?.type === 'DeclareMiningJob.Error' ? detailsOf(message.errorDetails) : '';
    throw new Error(
      `expected a ${type} alone, got ${JSON.stringify(sentTo(output).map((m) => m.type))} ${details}`,
    );
  }
  return message as Extract<Message, { readonly type: T }>;
};

export const outcomeOf = <T extends JobDeclaratorOutcome['type']>(
  output: JobDeclaratorOutput,
  type: T,
): Extract<JobDeclaratorOutcome, { readonly type: T }> => {
  const outcome = output.outcomes.find((candidate) => candidate.type === type);
  if (outcome === undefined)
    throw new Error(`expected a ${type}, got ${JSON.stringify(output.outcomes.map((o) => o.type))}`);
  return outcome as Extract<JobDeclaratorOutcome, { readonly type: T }>;
};

export const detailsOf = (details: Uint8Array): string => new TextDecoder().decode(details);

const extranonceSize = 20;

/** What a client makes of a template. */
export interface ClientJob {
  readonly template: BlockTemplate;
  readonly transactions: readonly TemplateTransaction[];
  readonly outputs: readonly TxOut[];
  readonly coinbase: ReturnType<typeof buildCoinbase>;
  readonly coinbasePrefix: Uint8Array;
  readonly merklePath: readonly Uint8Array[];
}

/** The job of a client that takes all transactions of a template and pays everything to the pool, unless told otherwise. */
export const clientJob = (
  template: BlockTemplate,
  {
    payouts = (value: bigint): readonly TxOut[] => [{ value, scriptPubKey: poolScript }],
    transactions = template.transactions,
    height = template.height,
    size = extranonceSize,
  } = {},
): ClientJob => {
  const commitment = {
    value: 0n,
    scriptPubKey: witnessCommitmentScript(
      witnessCommitment(witnessMerkleRoot(transactions.map(({ wtxid }) => wtxid))),
    ),
  };
  const fees = template.transactions.reduce((sum, { fee }) => sum + fee, 0n);
  const value = template.coinbaseValue - fees + transactions.reduce((sum, { fee }) => sum + fee, 0n);
  const outputs = payouts(value);
  const total = outputs.reduce((sum, output) => sum + output.value, 0n);
  const fields = {
    coinbaseTxVersion: 2,
    coinbasePrefix: encodeBip34Height(height),
    coinbaseTxInputSequence: 0xffff_ffff,
    coinbaseTxValueRemaining: total,
    coinbaseTxOutputsCount: 1,
    coinbaseTxOutputs: concatBytes([u64Bytes(0n, ''), Uint8Array.of(38), commitment.scriptPubKey]),
    coinbaseTxLocktime: 0,
  };
  const additions = { tag: coinbaseTag('', 'client'), fullExtranonceSize: size, payoutOutputs: outputs };
  return {
    template,
    transactions,
    outputs: [...outputs, commitment],
    coinbase: buildCoinbase(fields, additions),
    coinbasePrefix: coinbaseScriptSigPrefix(fields.coinbasePrefix, additions),
    merklePath: merklePathOfCoinbase(transactions.map(({ txid }) => txid)),
  };
};

export const declaration = (
  job: ClientJob,
  miningJobToken: Uint8Array,
  fields: Partial<Omit<DeclareMiningJob, 'type'>> = {},
): DeclareMiningJob =>
  DeclareMiningJob({
    requestId: 5,
    miningJobToken,
    version: job.template.version,
    ...job.coinbase.withWitness,
    wtxidList: job.transactions.map(({ wtxid }) => wtxid),
    excessData: new Uint8Array(0),
    ...fields,
  });

export const customJob = (
  job: ClientJob,
  miningJobToken: Uint8Array,
  fields: Partial<Omit<SetCustomMiningJob, 'type'>> = {},
): SetCustomMiningJob =>
  SetCustomMiningJob({
    channelId: 1,
    requestId: 9,
    miningJobToken,
    version: job.template.version,
    prevHash: job.template.prevHash,
    minNtime: job.template.minTime,
    nbits: job.template.nbits,
    coinbaseTxVersion: 2,
    coinbasePrefix: job.coinbasePrefix,
    coinbaseTxInputNSequence: 0xffff_ffff,
    coinbaseTxOutputs: serialiseOutputs(job.outputs),
    coinbaseTxLocktime: 0,
    merklePath: job.merklePath,
    ...fields,
  });

/** The channel of the client's user. */
export const channel = { userIdentity: 'alice.rig', fullExtranonceSize: extranonceSize };

/** A client's connection, and a token. */
export const connected = (
  declarator: JobDeclarator,
  clientId = 1,
  { flags = jobDeclarationSetupFlags.declareTxData, address = undefined as string | undefined } = {},
): { token: () => Uint8Array } => {
  declarator.addClient(clientId, flags, address);
  return { token: () => tokenOf(declarator, clientId).miningJobToken };
};

export const tokenOf = (
  declarator: JobDeclarator,
  clientId = 1,
  userIdentifier = 'alice.rig',
): AllocateMiningJobTokenSuccess =>
  answer(
    declarator.handle(clientId, AllocateMiningJobToken({ userIdentifier, requestId: 3 }), NOW),
    'AllocateMiningJobToken.Success',
  );

/** A solution with proof of work. */
export const solve = (job: ClientJob, fields: Partial<Omit<PushSolution, 'type'>> = {}): PushSolution => {
  const { prevHash, nbits, version, currentTime } = job.template;
  const extranonce = fields.extranonce ?? new Uint8Array(extranonceSize).fill(3);
  const root = merkleRootFromPath(
    doubleSha256(assembleCoinbase(job.coinbase.stripped, extranonce)),
    job.merklePath,
  );
  const header = { version, prevHash, merkleRoot: root, ntime: currentTime, nbits };
  let nonce = 0;
  while (!meetsTarget(blockHash({ ...header, nonce }), targetFromNbits(nbits))) nonce += 1;
  return PushSolution({ extranonce, prevHash, nonce, ntime: currentTime, nbits, version, ...fields });
};
