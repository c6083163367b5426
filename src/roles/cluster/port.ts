/**
 * The way between a front of a pool and its core: fronts hold sockets, Noise, channels and validation; the core holds
 * templates and ledger. What goes over it is the business of the files beside this one:
 *
 * ```text
 *   front                              Port                              core
 *   poolFront({ sibling, ledger })                                       poolCore({ sibling })
 *     frontSibling ◄── templates, tips ─────────────────────────────────── coreSibling   (trigger-codec, present-work)
 *                  ─── blocks ────────────────────────────────────────►
 *     portLedger   ─── records, questions ─────────────────────────────► servedLedger   (ledger-codec)
 *                  ◄── answers, when they are durable ───────────────────
 * ```
 */
import type { Observable } from 'rxjs';

/**
 * One end of a way that values take to another thread, process or machine, in their order and once: of a MessagePort, of a
 * child process's IPC, or of a broker's subjects. Values are plain: objects with a `type`, of texts, numbers, `bigint`s,
 * booleans, `Uint8Array`s, null, and lists and objects of them; so what clones structured values carries them as they are,
 * and `outcomeToJson` and `outcomeFromJson` where only text passes.
 */
export interface Port {
  /**
   * What the other end sends, to all who subscribe meanwhile; what came before is gone. Completes when the other end is
   * gone.
   */
  readonly message$: Observable<unknown>;
  /** Sends to the other end; does nothing when that is gone. */
  send(value: PortMessage): void;
}

/** What goes over a {@link Port}: `type` says who is to read it, the rest is that reader's. */
export interface PortMessage {
  readonly type: string;
}
