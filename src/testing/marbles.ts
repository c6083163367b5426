import { filter, type Observable } from 'rxjs';
import { TestScheduler, type RunHelpers } from 'rxjs/testing';
import type { AnyMessageCreator } from '../messages/own-messages.js';
import type { Message } from '../messages/registry.js';
import type { Peer } from '../transport/connection.js';
import { matches } from './equality.js';
import { print } from './print.js';
import { testConnection, type TestConnection } from './test-connection.js';
import { testSv1Connection, type Sv1Line, type TestSv1Connection } from './test-sv1-connection.js';

/** An expectation waiting for its marbles. */
export interface Expectation {
  /**
   * @param marbles the diagram, one character or `10s` a piece of virtual time
   * @param values what its letters stand for; matchers such as `like(…)` may be among them
   * @param error what `#` stands for
   */
  toBe(marbles: string, values?: Readonly<Record<string, unknown>>, error?: unknown): void;
}

/** RxJS's helpers (`hot`, `cold`, `expectObservable` …), and those for connections and services. */
export interface MarbleHelpers extends RunHelpers {
  /**
   * A connection whose peer sends these messages, from the moment on it is used.
   * @param marbles when; `|` when the peer closes, `#` when the connection breaks
   * @param messages what the letters stand for
   * @param options what `#` stands for, who the peer is, and what it knows besides the messages of the specification
   */
  connection(
    marbles: string,
    messages?: Readonly<Record<string, Message | { readonly type: string }>>,
    options?: {
      readonly error?: unknown;
      readonly peer?: Partial<Peer>;
      readonly messages?: readonly AnyMessageCreator[];
    },
  ): TestConnection;
  /**
   * As `connection`, of Stratum V1.
   * @param marbles when; `|` when the peer closes, `#` when the connection breaks
   * @param lines what the letters stand for: messages, or lines as firmware writes them
   * @param options what `#` stands for, and who the peer is
   * @example
   * const miner = sv1Connection('ab', {
   *   a: '{"id": 1, "method": "mining.subscribe", "params": ["cgminer/4.12"]}',
   *   b: sv1.Authorize({ user: 'alice', password: 'x' }, 2),
   * });
   */
  sv1Connection(
    marbles: string,
    lines?: Readonly<Record<string, Sv1Line>>,
    options?: { readonly error?: unknown; readonly peer?: Partial<Peer> },
  ): TestSv1Connection;
  /** Expects what was sent on a connection, of either protocol, and with `|` when it ended, if that was while services ran. */
  expectSent(connection: TestConnection | TestSv1Connection): Expectation;
  /**
   * Runs a service, for as long as services run in this test, and expects its outcomes.
   * @param outcome$ `service.start()`
   * @param types the `type` of those that matter; all unless given
   */
  expectOutcomes(outcome$: Observable<{ readonly type: string }>, ...types: readonly string[]): Expectation;
}

/** How a marble test is run. */
export interface MarbleOptions {
  /**
   * When services are stopped, in milliseconds of virtual time; 600,000 (ten minutes) unless given. Without an
   * end, their timers would keep virtual time going for ever.
   */
  readonly until?: number;
}

/** Marbles were not as expected; its message shows the difference. */
export class MarbleError extends Error {
  override readonly name = 'MarbleError';
}

/**
 * Runs a marble test: everything in it happens in virtual time, in no time at all. Works with any test runner.
 * @param test the test; expectations are checked when it returns
 * @param options when services are stopped
 * @returns what `test` returned
 * @throws MarbleError for the first expectation that is not met
 */
export function marbles<T>(test: (helpers: MarbleHelpers) => T, { until = 600_000 }: MarbleOptions = {}): T {
  const scheduler = new TestScheduler(expectSame);
  return scheduler.run((helpers) => {
    const { expectObservable } = helpers;
    return test({
      ...helpers,
      connection: (diagram, messages = {}, { error, peer, messages: known } = {}) =>
        testConnection(helpers.cold(diagram, messages as Record<string, Message>, error), peer, known),
      sv1Connection: (diagram, lines = {}, { error, peer } = {}) =>
        testSv1Connection(helpers.cold(diagram, lines, error), peer),
      expectSent: ({ sent$ }) => expectObservable<unknown>(sent$, `${until - 1}ms !`),
      expectOutcomes: (outcome$, ...types) =>
        expectObservable(
          types.length === 0 ? outcome$ : outcome$.pipe(filter(({ type }) => types.includes(type))),
          `${until}ms !`,
        ),
    });
  });
}

/** What TestScheduler compares: notifications, or subscriptions. */
interface Logged {
  readonly frame?: number;
  readonly notification?: {
    readonly kind: 'N' | 'E' | 'C';
    readonly value?: unknown;
    readonly error?: unknown;
  };
}

/**
 * Compares what TestScheduler has recorded: `new TestScheduler(expectSame)`.
 * @throws MarbleError showing what is missing (-) and what is too much (+)
 */
export function expectSame(actual: unknown, expected: unknown): void {
  if (matches(actual, expected)) return;
  if (!Array.isArray(actual) || !Array.isArray(expected)) {
    throw new MarbleError(`expected ${print(expected)}, got ${print(actual)}`);
  }
  throw new MarbleError(`not the expected marbles\n${difference(actual as Logged[], expected as Logged[])}`);
}

function difference(actual: readonly Logged[], expected: readonly Logged[]): string {
  const missing = [...expected];
  const lines = actual.map((item) => {
    const found = missing.findIndex((candidate) => matches(item, candidate));
    if (found >= 0) missing.splice(found, 1);
    return { item, mark: found >= 0 ? ' ' : '+' };
  });
  if (missing.length === 0 && lines.every(({ mark }) => mark === ' ')) {
    return ['expected this order:', ...expected.map(line), 'got:', ...actual.map(line)].join('\n');
  }
  return [...missing.map((item) => ({ item, mark: '-' })), ...lines]
    .sort((a, b) => (a.item.frame ?? 0) - (b.item.frame ?? 0))
    .map(({ item, mark }) => `${mark} ${line(item)}`)
    .join('\n');
}

function line(item: Logged): string {
  const { frame, notification } = item;
  if (notification === undefined) return print(item);
  const { kind, value, error } = notification;
  const what = kind === 'N' ? print(value) : kind === 'E' ? `error ${print(error)}` : 'complete';
  return `${frame} ms: ${what}`;
}
