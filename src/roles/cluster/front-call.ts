/** What a front says of itself when it has a port to its core, and what it is told when it cannot be one. */
import { filter, map, type Observable } from 'rxjs';
import { Sv2Error } from '../../codec/errors.js';
import { clusterVersion, fieldsOf, requireVersion } from './plain-fields.js';
import type { Port, PortMessage } from './port.js';

/** A front, in its own words. */
export interface FrontCall {
  /** Which it is, for people: 200 characters at most. */
  readonly name: string;
  readonly serverId: number;
  /** Whom its blocks pay. */
  readonly payoutScript: Uint8Array;
  /** By what rules, as a text that is the same for the same rules. */
  readonly payout: string;
}

const callType = 'front-call';
const refusalType = 'front-refused';

/** Bytes of a script at most: what an output can have. */
const maxScript = 10_000;

/** Characters of rules at most. */
const maxRules = 100_000;

const isOf = (value: unknown, type: string): boolean =>
  (value as { readonly type?: unknown } | null | undefined)?.type === type;

/** What a front says. */
export const frontCall = ({ name, ...call }: FrontCall): PortMessage & Readonly<Record<string, unknown>> => ({
  ...{ type: callType, version: clusterVersion, name: name.slice(0, 200) },
  ...call,
});

/** What a core hears of fronts. Errors with Sv2Error `invalid-cluster-message`, `cluster-version`. */
export const frontCalls$ = (port: Port): Observable<FrontCall> =>
  port.message$.pipe(
    filter((value) => isOf(value, callType)),
    map((value) => {
      const fields = fieldsOf(value, 'front');
      requireVersion(fields, 'front');
      return {
        name: fields.text('name', 200),
        serverId: fields.whole('serverId', 0xffff),
        payoutScript: fields.bytes('payoutScript', 0, maxScript),
        payout: fields.text('payout', maxRules),
      };
    }),
  );

/** What a core says to a front that cannot be one of its own. @param message why, for people */
export const refusal = (message: string): PortMessage & { readonly message: string } => ({
  type: refusalType,
  message,
});

/** Errors with Sv2Error `front-refused` when the core says so; emits nothing. */
export const refusals$ = (port: Port): Observable<never> =>
  port.message$.pipe(
    filter((value) => isOf(value, refusalType)),
    map((value): never => {
      throw new Sv2Error(
        'front-refused',
        `the core refuses this front: ${fieldsOf(value, 'refusal').text('message', 1_000)}`,
      );
    }),
  );
