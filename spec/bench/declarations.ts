import { createHash } from 'node:crypto';
import {
  coinbaseTag,
  decodeFrame,
  declaringClient,
  encodeBip34Height,
  encodeFrame,
  jobDeclarationSetupFlags,
  jobDeclarator,
  merklePathOfCoinbase,
  NewTemplate,
  OpenExtendedMiningChannel,
  OpenExtendedMiningChannelSuccess,
  parseTransaction,
  RequestTransactionDataSuccess,
  serialiseOutput,
  serialiseTransaction,
  SetCustomMiningJobSuccess,
  SetNewPrevHashTemplate,
  targetFromNbits,
  transactionWeight,
  txid,
  witnessCommitment,
  witnessCommitmentScript,
  witnessMerkleRoot,
  wtxid,
  type DeclaringClientOutput,
  type JobDeclaratorOutput,
  type Message,
} from 'rx-sv2';
import { takeTurns } from './measure.js';
import { amount, speed, type Section } from './table.js';

const rounds = 9;
const transactions = 5_000;
const missing = 50;
const height = 900_000;
const nbits = 0x1702905c;
const now = 1_780_000_000_000;
const minTime = now / 1_000 - 600;
const prevHash = new Uint8Array(32).fill(9);
const subsidy = 312_500_000n;
const payout = Uint8Array.of(0x00, 0x14, ...new Uint8Array(20).fill(7));

/** A transaction with one input, whose witness has the size of a signature and a key, and two outputs. @param number unlike others' */
function transaction(number: number) {
  const previousTxid = new Uint8Array(32);
  new DataView(previousTxid.buffer).setUint32(0, number + 1, true);
  const output = { value: 10_000n, scriptPubKey: payout };
  const data = serialiseTransaction({
    version: 2,
    inputs: [
      {
        previousTxid,
        previousIndex: 0,
        scriptSig: new Uint8Array(0),
        sequence: 0xffff_fffd,
        witness: [new Uint8Array(72), new Uint8Array(33)],
      },
    ],
    outputs: [output, output],
    locktime: 0,
  });
  const parsed = parseTransaction(data);
  const hashes = { txid: txid(parsed), wtxid: wtxid(parsed) };
  return { data, ...hashes, fee: 1_000n, sigops: 1, weight: transactionWeight(parsed), dependsOn: [] };
}

type Declared = ReturnType<typeof transaction>;

/** The template of a client whose last transactions nobody else has. */
function newTemplate(templateId: bigint, all: readonly Declared[], futureTemplate: boolean): NewTemplate {
  const commitment = witnessCommitmentScript(
    witnessCommitment(witnessMerkleRoot(all.map((one) => one.wtxid))),
  );
  return NewTemplate({
    templateId,
    futureTemplate,
    version: 0x2000_0000,
    coinbaseTxVersion: 2,
    coinbasePrefix: encodeBip34Height(height),
    coinbaseTxInputSequence: 0xffff_fffe,
    coinbaseTxValueRemaining: subsidy + 1_000n * BigInt(all.length),
    coinbaseTxOutputsCount: 1,
    coinbaseTxOutputs: serialiseOutput({ value: 0n, scriptPubKey: commitment }),
    coinbaseTxLocktime: height - 1,
    merklePath: merklePathOfCoinbase(all.map((one) => one.txid)),
  });
}

/**
 * A declaring client and a job declarator, joined by frames that are encoded and decoded, with a pool that takes every job.
 * @returns what runs one template to its SetCustomMiningJob
 */
function network() {
  const common = Array.from({ length: transactions - missing }, (_, index) => transaction(index));
  let last = transactions;
  const withNew = () => [...common, ...Array.from({ length: missing }, () => transaction(last++))];
  let all: readonly Declared[] = withNew();
  const client = declaringClient({
    mode: 'full-template',
    userIdentifier: 'farm',
    tag: coinbaseTag('', 'bench'),
  });
  const declarator = jobDeclarator({
    outputs: [{ value: 0n, scriptPubKey: payout }],
    randomBytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
  });
  declarator.addClient(1, jobDeclarationSetupFlags.declareTxData);
  const coinbaseValue = subsidy + 1_000n * BigInt(common.length);
  const sigopLimit = 80_000;
  declarator.template(
    { prevHash, height, nbits, minTime, coinbaseValue, sigopLimit, transactions: common },
    now,
  );
  let declaring = 0;
  let jobs = 0;

  const toDeclarator = (message: Message): readonly Message[] => {
    const frame = encodeFrame(message);
    const started = performance.now();
    const output: JobDeclaratorOutput = declarator.handle(1, decodeFrame(frame) as never, now);
    const answers = output.messages.flatMap(({ messages }) => messages.map(encodeFrame));
    declaring += performance.now() - started;
    return answers.map(decodeFrame);
  };

  /** Carries messages to whom they are for, until there are none. */
  function carry({ toDeclarator: declared, toTemplates, toPool, fault }: DeclaringClientOutput): void {
    if (fault !== null) throw new Error(fault.message);
    for (const message of declared) {
      for (const answer of toDeclarator(message)) {
        if (answer.type === 'DeclareMiningJob.Error') throw new Error(answer.errorCode);
        carry(client.fromDeclarator(answer as never, now));
      }
    }
    for (const message of toTemplates) {
      if (message.type !== 'RequestTransactionData') continue;
      const { templateId } = message;
      const transactionList = all.map(({ data }) => data);
      carry(
        client.fromTemplates(
          RequestTransactionDataSuccess({ templateId, excessData: new Uint8Array(0), transactionList }),
          now,
        ),
      );
    }
    for (const message of toPool) {
      if (message.type !== 'SetCustomMiningJob') continue;
      encodeFrame(message);
      const { channelId, requestId } = message;
      jobs += 1;
      carry(client.fromPool(SetCustomMiningJobSuccess({ channelId, requestId, jobId: jobs }), now));
    }
  }

  carry(client.begin(now));
  carry(client.fromTemplates(newTemplate(0n, all, true), now));
  const target = targetFromNbits(nbits);
  const headerTimestamp = now / 1_000;
  carry(
    client.fromTemplates(
      SetNewPrevHashTemplate({ templateId: 0n, prevHash, headerTimestamp, nBits: nbits, target }),
      now,
    ),
  );
  client.fromMiners(
    OpenExtendedMiningChannel({
      requestId: 1,
      userIdentity: 'farm',
      nominalHashRate: 1e15,
      maxTarget: target,
      minExtranonceSize: 8,
    }),
  );
  const extranoncePrefix = new Uint8Array(8);
  carry(
    client.fromPool(
      OpenExtendedMiningChannelSuccess({
        ...{ requestId: 1, channelId: 2, target, extranonceSize: 8, extranoncePrefix, groupChannelId: 0 },
      }),
      now,
    ),
  );
  let templateId = 0n;
  return {
    /** Milliseconds of the whole, and of the declarator alone. */
    run(): { readonly whole: number; readonly declarator: number } {
      all = withNew();
      const template = newTemplate(++templateId, all, false);
      const before = jobs;
      declaring = 0;
      const started = performance.now();
      carry(client.fromTemplates(template, now));
      const whole = performance.now() - started;
      if (jobs !== before + 1) throw new Error(`expected a job of its own, got ${jobs - before}`);
      return { whole, declarator: declaring };
    },
  };
}

const sha256d = (bytes: Uint8Array): Buffer =>
  createHash('sha256').update(createHash('sha256').update(bytes).digest()).digest();

/** Milliseconds of so many double SHA-256 of so many bytes. */
function hashing(count: number, size: number): number {
  const bytes = new Uint8Array(size);
  const started = performance.now();
  for (let index = 0; index < count; index += 1) sha256d(bytes);
  return performance.now() - started;
}

/** What a declaration with 5,000 transactions costs of which 50 are missing, and how long a new template takes to the pool. */
export async function declarationSections(): Promise<readonly Section[]> {
  const { run } = network();
  const size = transaction(0).data.length;
  // both merkle trees, and both ids of what was missing
  const judging = () => hashing(2 * transactions, 64) + hashing(2 * missing, size);
  let whole = 0;
  const times = await takeTurns(rounds, {
    declarator() {
      const times = run();
      whole = times.whole;
      return times.declarator;
    },
    whole: () => whole,
    judging,
    // the client names each of its transactions by its hash besides
    all: () => judging() + hashing(transactions, size),
  });
  const what = `${transactions.toLocaleString('en')} transactions, ${missing} of them missing`;
  const baseline = 'the hashes alone, OpenSSL';
  return [
    {
      title: 'Declarations',
      baseline,
      rows: [
        {
          what: `${what}: ${amount(1_000 / times.declarator, 'declarations/s')} at a declarator`,
          figure: amount(times.declarator, 'ms'),
          baseline: amount(times.judging, 'ms'),
          ratio: speed(times.declarator, times.judging),
          limit:
            'SHA-256 of two merkle trees; ids as text, by which transactions and what they spend are looked up',
        },
        {
          what: `new template to SetCustomMiningJob, ${what}`,
          figure: amount(times.whole, 'ms'),
          baseline: amount(times.all, 'ms'),
          ratio: speed(times.whole, times.all),
          limit: 'the same, and the hash of every transaction at the client',
        },
      ],
    },
  ];
}
