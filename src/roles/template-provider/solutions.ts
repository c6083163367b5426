import { finalize, map, merge, of, tap, defer, type Observable } from 'rxjs';
import { toDisplayHex } from '../../bitcoin/hash.js';
import { Sv2Error } from '../../codec/errors.js';
import type { SubmitSolution } from '../../messages/template-distribution.js';
import { nonsense, type ServerEffect } from '../../service/effects.js';
import { submitToExtra, type ExtraNode, type ExtraSubmission } from '../extra-nodes.js';
import { assembleBlock } from './block-assembly.js';
import type { BlockSource, SolvedBlock } from './block-source.js';
import type { ProvidedTemplate } from './live-templates.js';

/** A client's solution made a block that the source accepted. */
export interface BlockAccepted {
  readonly type: 'BlockAccepted';
  readonly clientId: number;
  readonly templateId: bigint;
  readonly height: number;
  /** 32 bytes in wire order. */
  readonly hash: Uint8Array;
  readonly coinbaseTx: Uint8Array;
}

/** A client's solution did not make a block. */
export interface BlockRejected {
  readonly type: 'BlockRejected';
  readonly clientId: number;
  readonly templateId: bigint;
  /** 32 bytes in wire order; null if it did not come to a block. */
  readonly hash: Uint8Array | null;
  /**
   * The source's own word, such as `bad-cb-amount`. Without asking the source: `template-id-not-found`, `high-hash`,
   * `duplicate` for a block that is being submitted or was accepted, and what is wrong with a coinbase that is no
   * transaction.
   */
  readonly reason: string;
  readonly message: string;
}

/**
 * Makes a function that submits what clients find, each block once at a time: proof of work is checked first, so that
 * the source sees nothing that is free to make. What has none counts as nonsense of its client.
 * @param source where blocks go to
 * @param extraNodes that blocks go to as well
 * @param find the templates of which a block may be made
 */
export function solutions(
  source: BlockSource,
  extraNodes: readonly ExtraNode[],
  find: (templateId: bigint) => ProvidedTemplate | undefined,
): (
  clientId: number,
  solution: SubmitSolution,
) => Observable<BlockAccepted | BlockRejected | ExtraSubmission | ServerEffect> {
  /** Hashes of blocks on their way or accepted; as many as the source lets wait, and those it accepted. */
  const submitted = new WeakMap<ProvidedTemplate, Set<string>>();

  return (clientId, solution) => {
    const { templateId, coinbaseTx } = solution;
    const rejected = (reason: string, message: string, hash: Uint8Array | null): BlockRejected => ({
      type: 'BlockRejected',
      ...{ clientId, templateId, hash, reason, message },
    });
    const provided = find(templateId);
    if (provided === undefined) {
      const message = `there is no template ${templateId} of the tip, nor of one that was left less than 10 s ago`;
      return of(rejected('template-id-not-found', message, null));
    }
    let block: SolvedBlock;
    try {
      block = assembleBlock(provided, solution);
    } catch (error) {
      if (!(error instanceof Sv2Error)) throw error;
      return of(rejected(error.code, error.message, null), nonsense(clientId));
    }
    const { hash, height } = block;
    const key = toDisplayHex(hash);
    const hashes = submitted.get(provided) ?? new Set();
    submitted.set(provided, hashes);
    if (hashes.has(key)) {
      const message = 'the same block was submitted before';
      return of(rejected('duplicate', message, hash), nonsense(clientId));
    }
    return defer(() => {
      hashes.add(key);
      let isAccepted = false;
      const submitted$ = source.submit(block).pipe(
        tap(({ accepted }) => (isAccepted = accepted)),
        map((result) =>
          result.accepted
            ? ({ type: 'BlockAccepted', clientId, templateId, height, hash, coinbaseTx } as const)
            : rejected(result.reason, result.message, hash),
        ),
        // one that failed may be submitted again: its source may have been in trouble
        finalize(() => isAccepted || hashes.delete(key)),
      );
      return merge(submitted$, submitToExtra(extraNodes, block));
    });
  };
}
