import type { Readable, Writable } from 'node:stream';
import type { Observable } from 'rxjs';

/** Where text goes. */
export type Output = Writable & {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
};

/** Where text comes from and goes to; a spec hands in streams of its own. */
export interface Terminal {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Output;
  readonly stderr: Output;
}

/** What a command has to do with the world. */
export interface CommandIo extends Terminal {
  /** Emits when the user wants the program to end (Ctrl-C, SIGTERM). Unless subscribed to, that ends the process. */
  readonly interrupt$: Observable<unknown>;
}

/** What a command's action is given. */
export interface CommandContext extends CommandIo {
  /** Sets the exit status; 0 unless called. */
  setExitCode(code: number): void;
}

/**
 * Writes text and waits until it has left, so that a slow reader is not outrun.
 * @returns false if it cannot be written because nobody reads any more (`sv2 … | head`) or the disk is full: stop
 */
export function write(output: Output, text: string): Promise<boolean> {
  return new Promise((resolve) => {
    output.write(text, (error) => {
      resolve(error === null || error === undefined);
    });
  });
}
