/** Miners that do everything right, and notice when they are not served. */

/** After so many milliseconds without an answer a miner is lost. */
export const patience = 10_000;

export interface HonestMiner {
  /** Why it was lost, if it was. */
  readonly lost: string | undefined;
  /** How many of its shares were refused. */
  readonly refused: number;
  /** Submits a share and waits for the answer. Returns milliseconds. */
  share(): Promise<number>;
  close(): void;
}
