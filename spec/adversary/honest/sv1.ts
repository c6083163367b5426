/** An honest miner of Stratum V1. */
import { firstValueFrom, map, mergeMap, tap } from 'rxjs';
import {
  createHeaderHasher,
  jobMerkleRoot,
  serialiseBlockHeader,
  sv1ClientSession,
  targetFromDifficulty,
  type Sv1Work,
} from 'rx-sv2';
import { connectSv1 } from 'rx-sv2/node';
import { honestMiner, patience, type HonestMiner } from './miner.js';

/** The smallest that can be asked for: some thousand hashes a share. */
const suggestedDifficulty = 1e-6;

/** Connects, subscribes, and waits for work. */
export async function sv1Miner(port: number, user: string): Promise<HonestMiner> {
  const connection = await firstValueFrom(connectSv1({ host: '127.0.0.1', port, connectTimeout: patience }));
  const session = sv1ClientSession({ user, suggestedDifficulty });
  let work: Sv1Work | undefined;
  let nonce = 0;
  return honestMiner({
    name: user,
    heard$: connection.message$.pipe(
      map((message) => session.receive(message)),
      mergeMap(({ messages, outcomes }) => {
        connection.send(...messages);
        return outcomes;
      }),
      tap((outcome) => {
        if (outcome.type === 'Refused') throw new Error(`${outcome.request} was refused`);
        if (outcome.type === 'Work') ({ work } = outcome);
      }),
    ),
    hello: () => connection.send(...session.start()),
    // the first job may be harder than what it asked for
    hasWork: () => (work?.difficulty ?? Infinity) <= 2 * suggestedDifficulty,
    nextShare() {
      if (work === undefined) throw new Error('there is no work');
      const extranonce2 = new Uint8Array(work.extranonce2Size);
      nonce = found(work, extranonce2, nonce + 1);
      const { jobId, ntime } = work;
      const submit = session.submit({ jobId, extranonce2, ntime, nonce, versionBits: null });
      return {
        send: () => connection.send(submit),
        isAnswer: (outcome) =>
          (outcome.type === 'ShareAccepted' || outcome.type === 'ShareRejected') &&
          outcome.share.id === submit.id,
        isRefusal: ({ type }) => type === 'ShareRejected',
      };
    },
  });
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
