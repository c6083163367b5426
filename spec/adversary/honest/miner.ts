/** Miners that do everything right, and notice when they are not served. */
import { filter, firstValueFrom, Subject, timeout, type Observable } from 'rxjs';
import { until } from '../until.js';

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

/** A share that is ready to be sent. */
export interface ReadyShare<Heard> {
  readonly send: () => void;
  readonly isAnswer: (heard: Heard) => boolean;
  readonly isRefusal: (heard: Heard) => boolean;
}

/** What a miner is made of in either protocol. */
export interface MinerParts<Heard> {
  readonly name: string;
  /** What the pool says; subscribing connects the miner, unsubscribing closes its connection. */
  readonly heard$: Observable<Heard>;
  /** What it says first. */
  readonly hello: () => void;
  readonly hasWork: () => boolean;
  /** Mines its next share. @throws Error without work */
  readonly nextShare: () => ReadyShare<Heard>;
}

/** Says hello and waits for work. */
export async function honestMiner<Heard>(parts: MinerParts<Heard>): Promise<HonestMiner> {
  const { name, heard$, hello, hasWork, nextShare } = parts;
  const heardNow$ = new Subject<Heard>();
  let lost: string | undefined;
  let closing = false;
  const gone = (why: string) => {
    if (!closing) lost ??= why;
    heardNow$.error(new Error(why));
  };
  const receiving = heard$.subscribe({
    next: (heard) => heardNow$.next(heard),
    error: (error: unknown) => gone(String(error)),
    complete: () => gone('the connection was closed'),
  });
  hello();
  await until(`${name} has work`, patience, () => lost !== undefined || hasWork());

  let refused = 0;
  return {
    get lost() {
      return lost;
    },
    get refused() {
      return refused;
    },
    async share() {
      if (lost !== undefined) throw new Error(lost);
      const { send, isAnswer, isRefusal } = nextShare();
      const started = performance.now();
      const answered = firstValueFrom(heardNow$.pipe(filter(isAnswer), timeout(patience)));
      send();
      try {
        if (isRefusal(await answered)) refused += 1;
      } catch (error) {
        lost ??= String(error);
        throw error;
      }
      return performance.now() - started;
    },
    close() {
      closing = true;
      receiving.unsubscribe(); // closes, too
    },
  };
}
