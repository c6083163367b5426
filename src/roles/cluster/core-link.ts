/** A front's side that outlives its core: whichever core there is, one after another. */
import {
  concat,
  defer,
  EMPTY,
  finalize,
  ignoreElements,
  map,
  of,
  ReplaySubject,
  share,
  switchMap,
  tap,
  type NextObserver,
  type Observable,
} from 'rxjs';
import { Sv2Error } from '../../codec/errors.js';
import type { LedgerStore } from '../../ledger/store.js';
import type { Sibling, SiblingEvent } from '../../service/siblings.js';
import { portLedger } from './port-ledger.js';
import type { Port } from './port.js';
import { frontSibling, type PortSiblingOptions } from './siblings.js';

/** Options of {@link coreLink}. */
export interface CoreLinkOptions extends PortSiblingOptions {
  /**
   * Takes what is for the core and must not be lost with a port: blocks, in a cluster that has a way of their own for them.
   * Returns whether it has; what it has not goes over the port, or nowhere while there is none.
   */
  readonly keeps?: (trigger: SiblingEvent) => boolean;
}

/** See {@link coreLink}. */
export interface CoreLink {
  /**
   * The port to the core that is there now, and each after it; undefined while there is none. Shared; the link holds for as long as
   * it is subscribed to, and those who come late hear the present.
   */
  readonly port$: Observable<Port | undefined>;
  readonly sibling: Sibling;
  /** The core's ledger: what is asked of it fails with Sv2Error `ledger-unavailable` while there is no core. */
  readonly store: LedgerStore;
}

/**
 * A front's sibling and ledger over ports that come and go, as `frontPorts` makes them: with each its core tells the present
 * work anew, and what could not be written is tried again by whoever writes.
 *
 * ```text
 * newPort$   a------b-----
 * a.message$ -T--|
 * b.message$        -T'---
 * port$      a---u--b-----     (u: undefined)
 * trigger$   -T------T'---
 * ```
 */
export function coreLink(newPort$: Observable<Port>, options: CoreLinkOptions = {}): CoreLink {
  let present: { readonly port: Port; readonly ledger: LedgerStore } | undefined;
  const { errorObserver, keeps = () => false } = options;

  const port$ = newPort$.pipe(
    switchMap((port) =>
      concat(
        defer(() => {
          present = { port, ledger: portLedger(port) };
          return of(port);
        }),
        port.message$.pipe(ignoreElements()),
        of(undefined),
      ),
    ),
    tap((port) => {
      if (port === undefined) present = undefined;
    }),
    finalize(() => {
      present = undefined;
    }),
    share({ connector: () => new ReplaySubject(1) }),
  );

  /** Asks the core that is there. */
  const ask = <T>(question: (ledger: LedgerStore) => Promise<T>): Promise<T> =>
    present === undefined
      ? Promise.reject(new Sv2Error('ledger-unavailable', 'there is no core, and the ledger is with it'))
      : question(present.ledger);

  return {
    port$,
    sibling: {
      trigger$: port$.pipe(
        map((port) => (port === undefined ? EMPTY : frontSibling(port, told(errorObserver)).trigger$)),
        switchMap((trigger$) => trigger$),
      ),
      next(trigger) {
        if (keeps(trigger) || present === undefined) return;
        frontSibling(present.port).next(trigger);
      },
    },
    store: {
      receipt: (serverId) => ask((ledger) => ledger.receipt(serverId)),
      receipts: () => ask((ledger) => ledger.receipts()),
      commit: (commit) => ask((ledger) => ledger.commit(commit)),
      serverAccounts: (serverId, owners) => ask((ledger) => ledger.serverAccounts(serverId, owners)),
      serverSlot: (serverId, slot) => ask((ledger) => ledger.serverSlot(serverId, slot)),
      accounts: () => ask((ledger) => ledger.accounts()),
      slots: (since) => ask((ledger) => ledger.slots(since)),
      async *records(query) {
        yield* (await ask((ledger) => Promise.resolve(ledger))).records(query);
      },
      blocks: () => ask((ledger) => ledger.blocks()),
      saveBlocks: (blocks) => ask((ledger) => ledger.saveBlocks(blocks)),
      close: () => Promise.resolve(),
    },
  };
}

const told = (errorObserver: Partial<NextObserver<unknown>> | undefined): PortSiblingOptions =>
  errorObserver === undefined ? {} : { errorObserver };
