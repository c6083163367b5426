/** A ledger whose commits are kept on their way, so that they outlive front and core: a front's side, and the core's. */
import {
  asyncScheduler,
  concatMap,
  defer,
  EMPTY,
  filter,
  firstValueFrom,
  groupBy,
  ignoreElements,
  map,
  merge,
  mergeMap,
  of,
  retry,
  tap,
  throwError,
  timeout,
  timer,
  type Observable,
  type SchedulerLike,
} from 'rxjs';
import { Sv2Error } from '../../codec/errors.js';
import { bytesToHex } from '../../codec/hex.js';
import { conflict, isSameReceipt } from '../../ledger/memory-store.js';
import type { Receipt } from '../../ledger/receipts.js';
import type { LedgerStore } from '../../ledger/store.js';
import { commitCodec, receiptCodec } from '../../roles/cluster/ledger-codec.js';
import { clusterVersion, fieldsOf, invalid, requireVersion } from '../../roles/cluster/plain-fields.js';
import type { PortMessage } from '../../roles/cluster/port.js';
import { clusterSubjects, type Bus } from './bus.js';
import { decodeEnvelope, encodeEnvelope, piecesOf, valueOf } from './envelope.js';
import type { QueuedItem, WorkQueue } from './work-queue.js';

/** What both sides have. */
export interface StreamedLedgerOptions {
  readonly cluster: string;
  /** What answers go over: they are lost with it, and asked for again. */
  readonly bus: Bus;
  /** What commits go over: see `workQueue`. */
  readonly queue: WorkQueue;
  /** The clock; `asyncScheduler` unless given. */
  readonly scheduler?: SchedulerLike;
}

/** Milliseconds that a core may take to say that something is written. */
const answerTimeout = 8_000;

/** Milliseconds between two attempts to write what cannot be written now. */
const writeAgain = 1_000;

const unavailable = (message: string): Sv2Error => new Sv2Error('ledger-unavailable', message);

/** The subject of the answers for a server. */
const answersFor = (cluster: string, serverId: number): string =>
  `${clusterSubjects(cluster).core}.written.${serverId}`;

/**
 * What is asked: where the chain has come to when all before is written, by a front that begins with its server id (`begin`)
 * or goes on (`receipt`), or a commit.
 */
type Kind = 'begin' | 'receipt' | 'commit';

const question = (kind: Kind, commit: unknown): PortMessage =>
  ({ type: 'kept', version: clusterVersion, kind, commit }) as PortMessage;

/**
 * A front's store: commits, and where a server's chain has come to, go over a queue that keeps them, one behind the other;
 * what is only read is asked of the store beside it. A commit resolves when the core has it in its own store, and can be
 * tried again with any core.
 * @param beside the core's ledger as it is asked over a port
 */
export function streamedLedger(
  { cluster, bus, queue, scheduler = asyncScheduler }: StreamedLedgerOptions,
  beside: LedgerStore,
): LedgerStore {
  const session = crypto.randomUUID().slice(0, 18);
  let asked = 0;

  /** The receipt that answers what is kept; undefined when it was kept before, so that nothing may answer any more. */
  const ask = (serverId: number, id: string, message: PortMessage): Promise<Receipt | undefined> =>
    firstValueFrom(
      merge(
        bus.message$(answersFor(cluster, serverId)).pipe(
          map(decodeEnvelope),
          filter((envelope) => envelope.from === id),
          map(({ piece }) => receiptFrom(valueOf([piece]))),
        ),
        // behind the subscription above, so that the answer is not missed
        defer(() => queue.put(serverId, id, message)).pipe(
          mergeMap(({ isKnown }) => (isKnown ? of(undefined) : EMPTY)),
        ),
      ).pipe(
        timeout({
          first: answerTimeout,
          scheduler,
          with: () =>
            throwError(() =>
              unavailable(`no core has written what is kept for it within ${answerTimeout / 1_000} s`),
            ),
        }),
      ),
    );

  const askAnew = async (serverId: number, kind: Kind, commit: unknown): Promise<Receipt> => {
    const receipt = await ask(serverId, `${session} ${++asked}`, question(kind, commit));
    if (receipt === undefined) throw unavailable('an id was given twice'); // it is random
    return receipt;
  };

  return {
    ...beside,
    receipt: (serverId) => askAnew(serverId, 'begin', null),
    async commit(commit) {
      const { before, after } = commit;
      const { serverId } = after;
      const plain = commitCodec.to(commit);
      const id = `${after.sequence} ${bytesToHex(after.head).slice(0, 24)}`;
      let receipt = await ask(serverId, id, question('commit', plain));
      if (receipt === undefined) {
        receipt = await askAnew(serverId, 'receipt', null);
        if (isSameReceipt(receipt, before)) receipt = await askAnew(serverId, 'commit', plain);
      }
      if (!isSameReceipt(receipt, after)) throw conflict(after);
    },
  };
}

function receiptFrom(value: unknown): Receipt {
  const fields = fieldsOf(value, 'answer');
  requireVersion(fields, 'answer');
  if (fields.value('code') !== undefined)
    throw new Sv2Error(fields.text('code', 200), fields.text('message', 10_000));
  return receiptCodec.from(fields.value('receipt'));
}

/**
 * The core's side: writes what is kept into its store while subscribed, of each server one after another, says so, and is done
 * with it then. What cannot be written now is tried again; what never can be is said, and not kept. Emits nothing, never errors.
 * @param begins is told that a front begins with a server id, so that whoever had it before has ended; its errors are those of the store
 */
export function writtenFromQueue(
  { cluster, bus, queue, scheduler = asyncScheduler }: StreamedLedgerOptions,
  store: Pick<LedgerStore, 'commit' | 'receipt'>,
  begins: (serverId: number) => Promise<void> = () => Promise.resolve(),
): Observable<never> {
  const write = async ({ serverId, value }: QueuedItem): Promise<Receipt> => {
    const fields = fieldsOf(value, 'kept');
    requireVersion(fields, 'kept');
    const kind = fields.text('kind', 10);
    if (kind === 'begin') await begins(serverId);
    if (kind === 'begin' || kind === 'receipt') return store.receipt(serverId);
    if (kind !== 'commit') throw invalid('kept: kind', 'begin, receipt or commit', kind);
    const commit = commitCodec.from(fields.value('commit'));
    const { after } = commit;
    if (after.serverId !== serverId) throw conflict(after);
    try {
      await store.commit(commit);
    } catch (error) {
      const isConflict = error instanceof Sv2Error && error.code === 'ledger-conflict';
      // one that comes once more, after those behind it
      if (!isConflict || (await store.receipt(serverId)).sequence < after.sequence) throw error;
    }
    return store.receipt(serverId);
  };

  const answer = ({ serverId, id, done }: QueuedItem, content: object): void => {
    const message = { ...content, type: 'written', version: clusterVersion };
    const [piece] = piecesOf(message, bus.maxBytes) as [Uint8Array];
    const envelope = { kind: 'value', from: id, sent: 1, sentToAll: 0, more: false, piece } as const;
    bus.publish(answersFor(cluster, serverId), encodeEnvelope(envelope));
    done();
  };

  /** What there is to say when it is written, or never can be. */
  const outcomeOf = async (item: QueuedItem): Promise<object> => {
    try {
      return { receipt: receiptCodec.to(await write(item)) };
    } catch (error) {
      const isSv2 = error instanceof Sv2Error;
      if (isSv2 && error.code === 'ledger-unavailable') throw error;
      const { message } = error instanceof Error ? error : { message: String(error) };
      return { code: isSv2 ? error.code : 'unexpected', message: message.slice(0, 1_000) };
    }
  };

  return queue.item$.pipe(
    groupBy(({ serverId }) => serverId),
    mergeMap((own$) =>
      own$.pipe(
        concatMap((item) =>
          defer(() => outcomeOf(item)).pipe(
            retry({ delay: () => timer(writeAgain, scheduler) }),
            tap((outcome) => answer(item, outcome)), // unless this core has ended meanwhile: it comes again to the next
          ),
        ),
      ),
    ),
    ignoreElements(),
  );
}
