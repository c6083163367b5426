/**
 * Thousands of connections that come and end in all ways there are, against one server with one good client:
 * see README.md. Argument: how many cycles, 10,000 unless given. Exits with 1 and the reasons if anything grew.
 */
import { setTimeout } from 'node:timers/promises';
import { interval, map, Subject, switchMap, takeUntil } from 'rxjs';
import { createClient, ofEvent, sendToServer, type MiningClientHandler } from 'rx-sv2';
import { connect } from 'rx-sv2/node';
import { authority } from '../bench/keys.js';
import { share } from '../bench/messages.js';
import { startServer } from '../bench/processes.js';
import { endings } from './endings.js';
import { bytesPerCycle, complaints, settled, type Sample, type TimedSample } from './sample.js';

const cycles = Number(process.argv[2] ?? 10_000);
const blocks = 20;
const atATime = 32;
/** Milliseconds between two shares of the good client. */
const sharePeriod = 20;
/** Milliseconds until nothing of a connection may be left. */
const grace = 10_000;
/** Milliseconds after which all of it is taken for stuck. */
const timeLimit = 295_000;

const say = (line: string): boolean => process.stdout.write(`${line}\n`);
const mebibytes = (bytes: number): string => `${(bytes / 1024 / 1024).toFixed(2)} MiB`;
const started = performance.now();
const seconds = (): string => `${((performance.now() - started) / 1000).toFixed(0)} s`;
const problems: string[] = [];

let giveUp: (problem: string) => void = () => undefined;
/** Ends when there is no use in going on. */
const givenUp = new Promise<void>((resolve) => {
  giveUp = (problem) => {
    problems.push(problem);
    resolve();
  };
});

const server = await startServer(new URL('./server.ts', import.meta.url));
process.on('SIGINT', () => giveUp('interrupted'));
void setTimeout(timeLimit, undefined, { ref: false }).then(() =>
  giveUp(`not done after ${timeLimit / 1000} s`),
);

// The good client: a share every now and then, each of which must be answered.
const sentAt: number[] = [];
let answered = 0;
let slowestAnswer = 0;
const enough$ = new Subject<void>();
const mining: MiningClientHandler = (event$) =>
  event$.pipe(
    ofEvent('connected'),
    switchMap(() => interval(sharePeriod).pipe(takeUntil(enough$))),
    map((index) => sendToServer(share(index))),
  );
const connector = connect({ host: '127.0.0.1', port: server.port, authorityPublicKey: authority.publicKey });
const goodClient = createClient({ mining: { connect: connector, handler: mining } })
  .start()
  .subscribe({
    next(outcome) {
      if (outcome.type === 'sent' && outcome.message.type === 'SubmitSharesStandard') {
        sentAt.push(performance.now());
      } else if (outcome.type === 'received' && outcome.message.type === 'SubmitShares.Success') {
        if (outcome.message.lastSequenceNumber !== answered)
          giveUp(`share ${answered} was answered as ${outcome.message.lastSequenceNumber}`);
        slowestAnswer = Math.max(slowestAnswer, performance.now() - (sentAt[answered] ?? NaN));
        answered += 1;
      } else if (outcome.type === 'disconnected') giveUp(`the good client: ${outcome.reason.message}`);
    },
    error: (error: unknown) => giveUp(`the good client: ${String(error)}`),
  });

/** A sample once nothing is under way any more, or when it should not be. */
async function sampleAtRest(done: number, first: TimedSample | undefined): Promise<TimedSample> {
  const until = performance.now() + grace;
  for (;;) {
    const sample = { ...(await server.command<Sample>('sample')), cycles: done };
    if ((first === undefined ? sample.clients === 1 : settled(sample, first)) || performance.now() > until)
      return sample;
    await setTimeout(100);
  }
}

const samples: TimedSample[] = [];

/** All cycles, in blocks with a sample before each and after the last. */
async function soak(): Promise<void> {
  while (answered === 0) await setTimeout(10);
  for (let block = 0; block <= blocks; block += 1) {
    const done = Math.round((block * cycles) / blocks);
    const sample = await sampleAtRest(done, samples[0]);
    samples.push(sample);
    const { TCPSocketWrap: sockets = 0, Timeout: timers = 0 } = sample.resources;
    say(
      `${String(done).padStart(6)} cycles, ${seconds().padStart(5)}: memory ${mebibytes(sample.heap)}, ` +
        `resident ${mebibytes(sample.resident)}, clients ${sample.clients}, sockets ${sockets}, timers ${timers}, ` +
        `shares answered ${answered} of ${sentAt.length}`,
    );
    let next = done;
    const end = block === blocks ? done : Math.round(((block + 1) * cycles) / blocks);
    const run = async (): Promise<void> => {
      while (next < end) {
        const ending = endings[next % endings.length]!;
        next += 1;
        try {
          await ending(server.port);
        } catch (error) {
          problems.push(`${ending.name}: ${error instanceof Error ? error.message : String(error)}`);
          if (problems.length > 20) giveUp('and so on');
        }
      }
    };
    await Promise.all(Array.from({ length: atATime }, run));
  }
  enough$.next();
  for (let waited = 0; answered < sentAt.length && waited < grace; waited += 10) await setTimeout(10);
  if (answered < sentAt.length)
    problems.push(`${sentAt.length - answered} shares of the good client were not answered`);
  problems.push(...complaints(samples));
}

await Promise.race([soak(), givenUp]);
goodClient.unsubscribe();
const reasons = Object.entries(samples.at(-1)?.reasons ?? {});
say(
  `connections ended, or messages were refused, for: ${reasons.map(([code, count]) => `${code} ${count}`).join(', ')}`,
);
say(
  `memory per cycle over the last four fifths: ${bytesPerCycle(samples).toFixed(1)} bytes; ` +
    `slowest answer to the good client: ${slowestAnswer.toFixed(0)} ms`,
);
for (const problem of problems) say(`FAILED: ${problem}`);
if (problems.length === 0) say(`passed in ${seconds()}`);
process.exit(problems.length === 0 ? 0 : 1); // whatever is under way ends with it, the server too
