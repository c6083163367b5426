import * as z from 'zod';
import { MAX_BLOCK_WEIGHT } from '../bitcoin/consensus.js';
import { fromDisplayHex } from '../bitcoin/hash.js';
import { isTrivialScript } from '../bitcoin/script.js';
import { targetFromNbits } from '../bitcoin/target.js';
import { Sv2Error } from '../codec/errors.js';
import { quoted } from '../codec/printable.js';
import type { BlockTemplate, TemplateTransaction } from '../roles/template-provider/block-source.js';
import { invalidAnswer } from './bitcoin-rpc.js';
import { BitcoinRpcError } from './bitcoin-rpc-errors.js';

/** A template, and how to hear of the next. */
export interface NodeTemplate {
  readonly template: BlockTemplate;
  /** What to wait with for the next template (BIP 22); undefined if the node has no long polling. */
  readonly longPollId: string | undefined;
  /** Where to wait, if not where templates are. */
  readonly longPollUri: string | undefined;
}

const whole = z.int().min(0);
const hash = z.string().regex(/^[0-9a-fA-F]{64}$/);

/** What of a `getblocktemplate` result matters here (BIP 22, 23, 145); nodes add more. */
const resultSchema = z.object({
  version: z.int(),
  previousblockhash: hash,
  transactions: z.array(
    z.object({
      data: z.string(),
      txid: hash,
      hash,
      depends: z.array(whole).default([]),
      fee: whole,
      sigops: whole,
      weight: whole,
    }),
  ),
  coinbasevalue: whole,
  mintime: whole.optional(),
  curtime: whole,
  bits: z.string().regex(/^[0-9a-fA-F]{1,8}$/),
  height: whole,
  sigoplimit: whole.default(80_000),
  weightlimit: whole.default(MAX_BLOCK_WEIGHT),
  signet_challenge: z
    .string()
    .regex(/^([0-9a-fA-F]{2})*$/)
    .optional(),
  longpollid: z.string().min(1).optional(),
  longpolluri: z.string().min(1).optional(),
  rules: z.array(z.string()).default([]),
});

type Result = z.output<typeof resultSchema>;

/** The rules that blocks may follow: asked for, and acted upon. */
export const knownRules: readonly string[] = ['segwit', 'signet'];

/** Whether blocks follow a rule; an exclamation mark says that who does not know it must not make any (BIP 9). */
const hasRule = ({ rules }: Result, name: string): boolean =>
  rules.includes(name) || rules.includes(`!${name}`);

/**
 * Makes a function that turns results of `getblocktemplate` into templates. It remembers the transactions of the
 * result before: most are in the next one too, and are then neither decoded nor kept twice.
 * @param address the node, for errors
 * @returns throws BitcoinRpcError `invalid-answer`, `unsupported-rule`, `signet-signature-needed`
 */
export function templateParser(address: string): (result: unknown) => NodeTemplate {
  let known = new Map<string, TemplateTransaction>();

  const parseTransaction = (
    { data, txid, hash, depends, fee, sigops, weight }: Result['transactions'][number],
    index: number,
  ): TemplateTransaction => {
    if (depends.some((parent) => parent < 1 || parent > index)) {
      throw invalidAnswer(address, `has a transaction, ${txid}, before one that it depends on`);
    }
    const same = known.get(hash);
    const dependsOn = depends.map((parent) => parent - 1); // BIP 22 counts from 1
    const isAlike =
      same !== undefined &&
      same.fee === BigInt(fee) &&
      same.sigops === sigops &&
      same.weight === weight &&
      String(same.dependsOn) === String(dependsOn);
    if (isAlike) return same;
    return {
      data: same?.data ?? bytesOf(data, txid),
      txid: same?.txid ?? fromDisplayHex(txid),
      wtxid: same?.wtxid ?? fromDisplayHex(hash),
      fee: BigInt(fee),
      sigops,
      weight,
      dependsOn,
    };
  };

  const bytesOf = (hex: string, txid: string): Uint8Array => {
    const bytes = new Uint8Array(hex.length >>> 1);
    const decoded = Buffer.from(bytes.buffer).write(hex, 'hex');
    if (hex.length % 2 !== 0 || decoded !== bytes.length || decoded === 0) {
      throw invalidAnswer(address, `has a transaction, ${txid}, that is not hex`);
    }
    return bytes;
  };

  return (answer) => {
    const parsed = resultSchema.safeParse(answer);
    if (!parsed.success) {
      const [issue] = parsed.error.issues;
      const field = issue?.path.map(String).join('.') ?? '';
      throw invalidAnswer(address, `is no block template: ${field}: ${issue?.message ?? ''}`);
    }
    const result = parsed.data;
    // a rule with an exclamation mark must be understood by whoever makes blocks (BIP 9)
    const rule = result.rules.find((name) => name.startsWith('!') && !knownRules.includes(name.slice(1)));
    if (rule !== undefined) {
      throw new BitcoinRpcError(
        'unsupported-rule',
        `the blocks of the Bitcoin node at ${address} follow a rule that is not known here: ${quoted(rule.slice(1, 60))}`,
        { address, rule },
      );
    }
    checkSignet(result);
    const transactions = result.transactions.map(parseTransaction);
    known = new Map(result.transactions.map(({ hash }, index) => [hash, transactions[index]!]));
    return {
      template: {
        type: 'BlockTemplate',
        height: result.height,
        prevHash: fromDisplayHex(result.previousblockhash),
        version: result.version >>> 0,
        nbits: nbitsOf(result.bits),
        minTime: result.mintime ?? result.curtime,
        currentTime: result.curtime,
        coinbaseValue: BigInt(result.coinbasevalue),
        transactions,
        segwit: hasRule(result, 'segwit'),
        sigopLimit: result.sigoplimit,
        weightLimit: result.weightlimit,
      },
      longPollId: result.longpollid,
      longPollUri: result.longpolluri,
    };
  };

  /** A signet's blocks are signed inside the witness commitment, unless nothing satisfies its challenge (BIP 325). */
  function checkSignet(result: Result): void {
    const { signet_challenge: challenge } = result;
    if (challenge === undefined && !hasRule(result, 'signet')) return;
    if (challenge !== undefined && isTrivialScript(Buffer.from(challenge, 'hex'))) return;
    throw new BitcoinRpcError(
      'signet-signature-needed',
      `the blocks of the Bitcoin node at ${address} must be signed by those who run its signet ` +
        `(BIP 325, signet_challenge ${quoted(challenge?.slice(0, 160) ?? 'missing')}), and Stratum V2 has no place for the ` +
        'signature: only a signet whose challenge is OP_TRUE can be mined here (signetchallenge=51), or regtest, or testnet4',
      { address, challenge },
    );
  }

  function nbitsOf(bits: string): number {
    const nbits = parseInt(bits, 16);
    try {
      targetFromNbits(nbits);
    } catch (error) {
      if (!(error instanceof Sv2Error)) throw error;
      throw invalidAnswer(address, `is no block template: bits: ${error.message}`);
    }
    return nbits;
  }
}
