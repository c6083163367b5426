/** An honest miner of Stratum V1. */
import { filter, firstValueFrom, map, mergeMap, Subject, timeout } from 'rxjs';
import {
  createHeaderHasher,
  jobMerkleRoot,
  serialiseBlockHeader,
  sv1ClientSession,
  targetFromDifficulty,
  type Sv1ClientOutcome,
  type Sv1Work,
} from 'rx-sv2';
import { connectSv1 } from 'rx-sv2/node';
import { until } from '../until.js';
import { patience, type HonestMiner } from './miner.js';

/** The smallest that can be asked for: some thousand hashes a share. */
const suggestedDifficulty = 1e-6;

/** Connects, subscribes, and waits for work. */
export async function sv1Miner(port: number, user: string): Promise<HonestMiner> {
  const connection = await firstValueFrom(connectSv1({ host: '127.0.0.1', port, connectTimeout: patience }));
  const session = sv1ClientSession({ user, suggestedDifficulty });
  const outcome$ = new Subject<Sv1ClientOutcome>();
  let work: Sv1Work | undefined;
  let lost: string | undefined;
  let closing = false;
  const gone = (why: string) => {
    if (!closing) lost ??= why;
    outcome$.error(new Error(why));
  };
  const receiving = connection.message$
    .pipe(
      map((message) => session.receive(message)),
      mergeMap(({ messages, outcomes }) => {
        connection.send(...messages);
        return outcomes;
      }),
    )
    .subscribe({
      next(outcome) {
        if (outcome.type === 'Work') ({ work } = outcome);
        if (outcome.type === 'Refused') gone(`${outcome.request} was refused`);
        else outcome$.next(outcome);
      },
      error: (error: unknown) => gone(String(error)),
      complete: () => gone('the connection was closed'),
    });
  connection.send(...session.start());
  // the first job may be harder than what it asked for
  await until(
    `${user} has work`,
    patience,
    () => lost !== undefined || (work?.difficulty ?? Infinity) <= 2 * suggestedDifficulty,
  );

  let nonce = 0;
  let refused = 0;
  return {
    get lost() {
      return lost;
    },
    get refused() {
      return refused;
    },
    async share() {
      if (lost !== undefined || work === undefined) throw new Error(lost ?? 'there is no work');
      const extranonce2 = new Uint8Array(work.extranonce2Size);
      nonce = found(work, extranonce2, nonce + 1);
      const { jobId, ntime } = work;
      const submit = session.submit({ jobId, extranonce2, ntime, nonce, versionBits: null });
      const started = performance.now();
      const answered = firstValueFrom(
        outcome$.pipe(
          filter(
            (outcome) =>
              (outcome.type === 'ShareAccepted' || outcome.type === 'ShareRejected') &&
              outcome.share.id === submit.id,
          ),
          timeout(patience),
        ),
      );
      connection.send(submit);
      try {
        if ((await answered).type === 'ShareRejected') refused += 1;
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

/** The first nonce that makes a share of a job. */
function found(work: Sv1Work, extranonce2: Uint8Array, from: number): number {
  const { version, prevHash, nbits, ntime, merkleBranch, coinbase1, coinbase2, extranonce1, difficulty } =
    work;
  const merkleRoot = jobMerkleRoot(
    { merklePath: merkleBranch, coinbase: { coinbaseTxPrefix: coinbase1, coinbaseTxSuffix: coinbase2 } },
    extranonce1,
    extranonce2,
  );
  const hasher = createHeaderHasher(
    serialiseBlockHeader({ version, prevHash, merkleRoot, ntime, nbits, nonce: 0 }),
  );
  const nonce = hasher.search(from, 2 ** 32 - from, targetFromDifficulty(difficulty));
  if (nonce === null) throw new Error('there is no such nonce');
  return nonce;
}
