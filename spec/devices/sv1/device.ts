/** A miner of Stratum V1 that is written on lines and shares nothing with the library but SHA-256: what it says and finds. */
import { createHash } from 'node:crypto';
import type { Sv1Firmware } from './firmware.js';

/** What a device has to say of its server. */
export interface Sv1Report {
  /** What would have broken the firmware, once each. */
  readonly faults: readonly string[];
  /** Shares that were answered with `true`, and the errors of others. */
  readonly accepted: number;
  readonly rejected: readonly string[];
  readonly jobs: number;
  /** Of the last job; NaN if there was none. */
  readonly difficulty: number;
  /** Requests that have no answer. */
  readonly unanswered: readonly string[];
}

/** See {@link sv1Device}. Lines that it says end with their newline. */
export interface Sv1Device {
  start(): string;
  receive(line: string): string;
  /** Tries so many nonces; says a share, or nothing. */
  mine(tries: number): string;
  report(): Sv1Report;
}

type Params = readonly unknown[];
interface Job {
  readonly params: Params;
  readonly difficulty: number;
  readonly target: bigint;
}

const sha256 = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest();
const twice = (bytes: Buffer): Buffer => sha256(sha256(bytes));
const little = (hex: string): Buffer => Buffer.from(hex, 'hex').reverse();

/** Runs a firmware on one connection. */
export function sv1Device(firmware: Sv1Firmware, user: string): Sv1Device {
  const faults = new Set<string>();
  const asked = new Map<number, string>();
  const rejected: string[] = [];
  const jobIds = new Set<string>();
  let [accepted, lines, group, ids, counter, nonce] = [0, 0, 0, 100, 0, 0];
  let difficulty = NaN;
  let job: Job | undefined;
  let extranonce1: string | undefined;
  let extranonce2Size = 0;
  let header: { readonly bytes: Buffer; readonly extranonce2: string } | undefined;

  const check = (holds: boolean, fault: string) => void (holds || faults.add(fault));
  const within = (value: number, [least, most]: readonly [number, number]) => value >= least && value <= most;

  const sendGroup = (): string => {
    const sent = firmware.handshake[group] ?? [];
    group += 1;
    for (const line of sent) {
      const { id, method } = JSON.parse(line) as { id: number; method: string };
      asked.set(id, method);
    }
    return sent.map((line) => `${line.replace('USER', user.slice(0, firmware.user))}\n`).join('');
  };

  const subscribed = (result: unknown) => {
    const [subscriptions, first, size] = (result ?? []) as [unknown, unknown, unknown];
    // NerdMiner reads result[0][0][1]
    check(
      typeof ((subscriptions as Params | undefined)?.[0] as Params | undefined)?.[1] === 'string',
      'no subscription',
    );
    check(typeof first === 'string' && typeof size === 'number', 'the answer to mining.subscribe is another');
    check(!/^0*$/.test(String(first)), 'an extranonce1 of zeros');
    check(within(Number(size), firmware.extranonce2), `extranonce2 of ${Number(size)} bytes`);
    extranonce1 = String(first);
    extranonce2Size = Number(size);
  };

  const configured = (result: unknown) => {
    const keys = Object.keys(result ?? {});
    const known = ['version-rolling', 'version-rolling.mask'];
    if (firmware.isStrictInConfigure === true)
      for (const key of keys) check(known.includes(key), `an answer to mining.configure with ${key}`);
  };

  const notified = (params: Params) => {
    const [id, , coinbase1, coinbase2] = params as [string, string, string, string];
    check(extranonce1 !== undefined, 'a job before the answer to mining.subscribe');
    check(!Number.isNaN(difficulty), 'a job before a difficulty');
    check(difficulty >= firmware.leastDifficulty, `difficulty ${difficulty}`);
    check(/^[0-9a-f]{1,8}$/.test(id), `a job id such as ${id.replace(/[0-9a-f]/g, '0')}`);
    check(!jobIds.has(id), 'a job id that comes again');
    jobIds.add(id);
    const length = (coinbase1.length + coinbase2.length + (extranonce1?.length ?? 0)) / 2 + extranonce2Size;
    check(length <= firmware.coinbase, `a coinbase of ${length} bytes`);
    if (firmware.readsCoinbase === true)
      check(isTransaction(coinbase1 + extranonce1 + '00'.repeat(extranonce2Size) + coinbase2), 'no coinbase');
    const target = (0xffffn * 2n ** 268n) / BigInt(Math.max(1, Math.round(difficulty * 2 ** 60)));
    job = { params, difficulty, target };
    header = undefined;
  };

  const answered = (id: number, result: unknown, error: unknown): string => {
    const method = asked.get(id);
    asked.delete(id);
    if (method === undefined) check(false, 'an answer to nothing that was asked');
    else if (method === 'mining.submit') {
      if (result === true) accepted += 1;
      else rejected.push(JSON.stringify(error ?? result));
    } else {
      check(error === null || error === undefined, `${method} was refused`);
      if (method === 'mining.subscribe') subscribed(result);
      if (method === 'mining.configure') configured(result);
      if (method === 'mining.authorize') check(result === true, 'not authorised');
    }
    const isOver = [...asked.values()].every((waiting) => waiting === 'mining.submit');
    return isOver && group < firmware.handshake.length ? sendGroup() : '';
  };

  const nextHeader = ({ params }: Job) => {
    const [, prevHash, coinbase1, coinbase2, branch, version, nbits, ntime] = params as never as [
      ...[string, string, string, string],
      ...[readonly string[], string, string, string],
    ];
    counter += 1;
    const extranonce2 = counter
      .toString(16)
      .padStart(2 * extranonce2Size, '0')
      .slice(-2 * extranonce2Size);
    const coinbase = Buffer.from(coinbase1 + (extranonce1 ?? '') + extranonce2 + coinbase2, 'hex');
    const root = branch.reduce(
      (hash, node) => twice(Buffer.concat([hash, Buffer.from(node, 'hex')])),
      twice(coinbase),
    );
    const words = [
      little(version),
      Buffer.from(prevHash, 'hex').swap32(),
      root,
      little(ntime),
      little(nbits),
    ];
    return { bytes: Buffer.concat([...words, Buffer.alloc(4)]), extranonce2 };
  };

  const submission = (found: Job, extranonce2: string): string => {
    ids += 1;
    asked.set(ids, 'mining.submit');
    const digits = nonce.toString(16);
    const params = [
      ...[user.slice(0, firmware.user), found.params[0], extranonce2, found.params[7]],
      ...[firmware.padsNonces ? digits.padStart(8, '0') : digits],
      ...(firmware.sendsVersionBits ? ['00000000'] : []),
    ];
    return `${JSON.stringify({ id: ids, method: 'mining.submit', params })}\n`;
  };

  return {
    start: sendGroup,
    receive(line) {
      lines += 1;
      check(line.length <= firmware.line, `a line of ${line.length} bytes`);
      const { id, method, params, result, error } = JSON.parse(line) as Record<string, unknown>;
      if (firmware.firstLineIsSubscription === true && lines === 1)
        check(id === 1 && result !== undefined, 'a line before the answer to mining.subscribe');
      switch (method) {
        case undefined:
        case null:
          return answered(Number(id), result, error);
        case 'mining.set_difficulty':
          check(extranonce1 !== undefined, 'a difficulty before the answer to mining.subscribe');
          difficulty = Number((params as Params)[0]);
          break;
        case 'mining.notify':
          notified(params as Params);
          break;
        case 'mining.set_version_mask':
        case 'mining.set_extranonce':
          check(
            asked.size === 0 || extranonce1 !== undefined,
            `${method} before the answer to mining.subscribe`,
          );
          if (method === 'mining.set_extranonce') [extranonce1, extranonce2Size] = params as [string, number];
          break;
        default:
          check(false, `a method such as ${String(method)}`);
      }
      return '';
    },
    mine(tries) {
      if (job === undefined || group < firmware.handshake.length) return '';
      for (let attempt = 0; attempt < tries; attempt++) {
        header ??= nextHeader(job);
        nonce = (nonce + 1) % 2 ** 32;
        header.bytes.writeUInt32LE(nonce, 76);
        if (BigInt(`0x${twice(header.bytes).reverse().toString('hex')}`) > job.target) continue;
        const line = submission(job, header.extranonce2);
        header = undefined;
        return line;
      }
      return '';
    },
    report: () => ({
      faults: [...faults],
      accepted,
      rejected,
      jobs: jobIds.size,
      difficulty: job?.difficulty ?? NaN,
      unanswered: [...asked.values()],
    }),
  };
}

/** Whether these are the bytes of a coinbase without witness, to the last one. */
function isTransaction(hex: string): boolean {
  const bytes = Buffer.from(hex, 'hex');
  let at = 4;
  const size = (): number => {
    const first = bytes.readUInt8(at++);
    if (first < 0xfd) return first;
    const [value, width] = first === 0xfd ? [bytes.readUInt16LE(at), 2] : [bytes.readUInt32LE(at), 4];
    at += width;
    return value;
  };
  const skip = (): void => {
    const length = size();
    at += length;
  };
  try {
    if (size() !== 1) return false;
    at += 36;
    skip();
    at += 4;
    for (let outputs = size(); outputs > 0; outputs--) {
      at += 8;
      skip();
    }
    return at + 4 === bytes.length;
  } catch {
    return false;
  }
}
