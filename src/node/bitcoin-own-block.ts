import { Subject, type Observable } from 'rxjs';

/** The last block of ours that a node took, for as long as it stands. Hashes are hex, as a node shows them. */
export interface OwnBlock {
  /** Emits when the node has taken one. */
  readonly accepted$: Observable<void>;
  /** The node took one. */
  accept(parent: string): void;
  /** Whether another on this parent would only stand in its way. */
  isOn(parent: string): boolean;
  /**
   * Begins a look at the node's tip.
   * @returns takes what was seen: if the block's parent is the tip again it was taken back (a reorganisation,
   * `invalidateblock`). What was asked before the node took it does not say that
   */
  look(): (tip: string) => void;
  /** The node is another, or may be. */
  forget(): void;
}

/** Makes the memory of a block of ours. */
export function ownBlock(): OwnBlock {
  const accepted$ = new Subject<void>();
  let parent: string | undefined;
  let accepted = 0;
  return {
    accepted$: accepted$.asObservable(),
    accept(on) {
      parent = on;
      accepted += 1;
      accepted$.next();
    },
    isOn: (hash) => hash === parent,
    look() {
      const before = accepted;
      return (tip) => {
        if (before === accepted && tip === parent) parent = undefined;
      };
    },
    forget: () => (parent = undefined),
  };
}
