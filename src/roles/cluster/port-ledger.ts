/** A ledger over a port: a front's store, and what answers it at the core. */
import {
  asyncScheduler,
  defer,
  EMPTY,
  filter,
  finalize,
  firstValueFrom,
  from,
  ignoreElements,
  map,
  merge,
  mergeMap,
  throwError,
  throwIfEmpty,
  timeout,
  type Observable,
  type SchedulerLike,
} from 'rxjs';
import { Sv2Error } from '../../codec/errors.js';
import { conflict } from '../../ledger/memory-store.js';
import type { LedgerStore } from '../../ledger/store.js';
import type { PlainCodec } from './ledger-codec.js';
import {
  ledgerQuestion,
  ledgerQuestions,
  recordCursors,
  type LedgerQuestion,
  type LedgerQuestionName,
} from './ledger-questions.js';
import { clusterVersion, fieldsOf, requireVersion } from './plain-fields.js';
import type { Port, PortMessage } from './port.js';

interface Question extends PortMessage {
  readonly type: 'ledger-question';
  readonly version: typeof clusterVersion;
  /** The front's number for it. */
  readonly id: number;
  readonly name: LedgerQuestionName;
  readonly asked: unknown;
}

type Answer = PortMessage & { readonly type: 'ledger-answer'; readonly id: number } & (
    { readonly answered: unknown } | { readonly code: string; readonly message: string }
  );

type Asked<N extends LedgerQuestionName> =
  (typeof ledgerQuestions)[N] extends LedgerQuestion<infer A, unknown> ? A : never;
type Answered<N extends LedgerQuestionName> =
  (typeof ledgerQuestions)[N] extends LedgerQuestion<infer _, infer R> ? R : never;

/** Questions that may wait for their answers at one time: a pool asks a few. */
const maxInFlight = 64;

/** Milliseconds that an answer may take. */
const answerTimeout = 30_000;

/** Characters of an error's code and message, as they cross. */
const maxError = 10_000;

const unavailable = (message: string): Sv2Error => new Sv2Error('ledger-unavailable', message);

const typeOf = (value: unknown): unknown => (value as { readonly type?: unknown } | null | undefined)?.type;

/**
 * The core's ledger as a front's own: give it to `poolFront` as `ledger: { store: portLedger(port) }`. What it resolves to has
 * happened at the core's store: a commit is as durable as that makes it. Fails with Sv2Error `ledger-unavailable` where the
 * core is gone, does not answer in 30 s, or is asked 64 things at once, and else with the errors of its store; a commit that
 * failed can be tried again and counts once. Holds nothing: closing it does nothing, the store is the core's.
 */
export function portLedger(
  port: Port,
  { scheduler = asyncScheduler }: { readonly scheduler?: SchedulerLike } = {},
): LedgerStore {
  let last = 0;
  let inFlight = 0;

  /** The answer to a question, whatever else arrives. */
  const answerTo$ = <R>(id: number, { answered }: { readonly answered: PlainCodec<R> }): Observable<R> =>
    port.message$.pipe(
      filter((value) => typeOf(value) === 'ledger-answer' && (value as Answer).id === id),
      map((value) => {
        const fields = fieldsOf(value, 'answer');
        if (fields.value('code') !== undefined)
          throw new Sv2Error(fields.text('code', maxError), fields.text('message', maxError));
        return answered.from(fields.value('answered'));
      }),
    );

  const ask = async <N extends LedgerQuestionName>(name: N, asked: Asked<N>): Promise<Answered<N>> => {
    if (inFlight >= maxInFlight)
      throw unavailable(`the core has not answered ${maxInFlight} questions about the ledger yet`);
    const id = ++last;
    const own = ledgerQuestions[name] as unknown as LedgerQuestion<Asked<N>, Answered<N>>;
    inFlight += 1;
    return firstValueFrom(
      merge(
        answerTo$(id, own),
        // behind the subscription above, so that the answer is not missed
        defer(() => {
          const question: Question = {
            ...{ type: 'ledger-question', version: clusterVersion, id, name },
            asked: own.asked.to(asked),
          };
          port.send(question);
          return EMPTY;
        }),
      ).pipe(
        throwIfEmpty(() => unavailable("the pool's core is gone, and the ledger with it")),
        timeout({
          first: answerTimeout,
          scheduler,
          with: () =>
            throwError(() => unavailable(`the pool's core did not answer within ${answerTimeout / 1_000} s`)),
        }),
        finalize(() => {
          inFlight -= 1;
        }),
      ),
    );
  };

  return {
    receipt: (serverId) => ask('receipt', serverId),
    receipts: async () => [...(await ask('receipts', undefined))],
    commit: (commit) => ask('commit', commit),
    serverAccounts: async (serverId, owners) => [...(await ask('serverAccounts', { serverId, owners }))],
    serverSlot: async (serverId, slot) => [...(await ask('serverSlot', { serverId, slot }))],
    accounts: async () => [...(await ask('accounts', undefined))],
    slots: async (since = 0) => [...(await ask('slots', since))],
    async *records(query = {}) {
      const cursor = ++last;
      let batch = await ask('records', { cursor, query });
      try {
        for (;;) {
          yield* batch.records;
          if (batch.isLast) return;
          batch = await ask('moreRecords', cursor);
        }
      } finally {
        if (!batch.isLast) await ask('enoughRecords', cursor).catch(() => undefined); // it ends with the port as well
      }
    },
    blocks: async () => [...(await ask('blocks', undefined))],
    saveBlocks: (blocks) => ask('saveBlocks', blocks),
    close: () => Promise.resolve(),
  };
}

/**
 * Answers a front's questions while subscribed, from the core's store. Completes when the front is gone and what it had
 * asked is done, so that its server id can be another's then; never errors.
 * @param mayWrite whether the front may write for a server id: for its own, for as long as it has that
 */
export function servedLedger(
  port: Port,
  store: LedgerStore,
  mayWrite: (serverId: number) => boolean,
): Observable<never> {
  return defer(() => {
    let inFlight = 0;
    const ledger = { store, cursors: recordCursors() };

    const answer = async (value: unknown): Promise<object> => {
      const fields = fieldsOf(value, 'question');
      requireVersion(fields, 'question');
      const name = fields.text('name', 64);
      const own = ledgerQuestion(name);
      if (own === undefined)
        throw new Sv2Error('invalid-cluster-message', `there is no question ${JSON.stringify(name)}`);
      const asked = own.asked.from(fields.value('asked'));
      if (own === ledgerQuestions.commit) {
        const { after } = asked as Asked<'commit'>;
        if (!mayWrite(after.serverId)) throw conflict(after);
      }
      return { answered: own.answered.to(await own.answer(ledger, asked)) };
    };

    const answered = async (value: unknown): Promise<void> => {
      const id = (value as Question).id;
      let result: object;
      inFlight += 1;
      try {
        if (inFlight > maxInFlight) throw unavailable(`more than ${maxInFlight} questions at once`);
        result = await answer(value);
      } catch (error) {
        const { message } = error instanceof Error ? error : { message: String(error) };
        const code = error instanceof Sv2Error ? error.code : 'unexpected';
        result = { code, message: message.slice(0, maxError) };
      }
      inFlight -= 1;
      port.send({ type: 'ledger-answer', id, ...result } as Answer);
    };

    return port.message$.pipe(
      filter((value) => typeOf(value) === 'ledger-question'),
      mergeMap((value) => from(answered(value))),
      ignoreElements(),
      finalize(() => void ledger.cursors.closeAll()),
    );
  });
}
