/** Nodes that are handed whole blocks beside the one that templates come from: whichever is the fastest, or works at all. */
import { catchError, defer, map, merge, of, type Observable } from 'rxjs';
import { Sv2Error } from '../codec/errors.js';
import type { BlockSource, SolvedBlock, SubmitResult } from './template-provider/block-source.js';

/** A node that takes blocks. */
export interface ExtraNode extends Pick<BlockSource, 'submit'> {
  /** For people, without anything secret: `host:port`. */
  readonly name: string;
}

/** What an extra node said to a block. */
export interface ExtraSubmission {
  readonly type: 'ExtraSubmission';
  /** The name of the node. */
  readonly node: string;
  readonly height: number;
  /** 32 bytes in wire order. */
  readonly hash: Uint8Array;
  readonly result: SubmitResult;
}

/** Hands a block to all of them at once, on subscription; emits what each says as it says it, and never errors. */
export function submitToExtra(nodes: readonly ExtraNode[], block: SolvedBlock): Observable<ExtraSubmission> {
  const { height, hash } = block;
  return merge(
    ...nodes.map((node) =>
      defer(() => node.submit(block)).pipe(
        catchError((error: unknown) => of(failure(error))),
        map((result): ExtraSubmission => ({
          type: 'ExtraSubmission',
          node: node.name,
          height,
          hash,
          result,
        })),
      ),
    ),
  );
}

const failure = (error: unknown): SubmitResult => ({
  accepted: false,
  reason: error instanceof Sv2Error ? error.code : 'unexpected-error',
  message: error instanceof Error ? error.message : String(error),
});
