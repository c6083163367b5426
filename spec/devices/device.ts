/** A scripted mining device: as much of a firmware as a pool can notice, hashing really, on a line of plaintext bytes. */
import {
  catchError,
  defer,
  EMPTY,
  endWith,
  filter,
  finalize,
  identity,
  ignoreElements,
  interval,
  map,
  merge,
  mergeMap,
  NEVER,
  repeat,
  share,
  switchMap,
  takeUntil,
  tap,
  timeout,
  timer,
  asyncScheduler,
  type Observable,
} from 'rxjs';
import { virtualHasher } from '../roles/support.js';
import {
  firmwareState,
  type DeviceOutcome,
  type Firmware,
  type FirmwareState,
  type Reaction,
  type Work,
} from './firmware.js';
import { hash256, meets } from './wire.js';

/** What carries a device's bytes. */
export interface Line {
  readonly chunk$: Observable<Uint8Array>;
  write(bytes: Uint8Array): void;
  close(): void;
}

/**
 * Runs a device while subscribed, from one connection to the next.
 * @param dial emits a line to the pool on subscription
 * @param firmware how it behaves
 * @param hashesPerSecond what it really hashes
 */
export const device = (
  dial: Observable<Line>,
  firmware: Firmware,
  hashesPerSecond: number,
): Observable<DeviceOutcome> =>
  dial.pipe(
    mergeMap((line) => conversation(line, firmware, hashesPerSecond)),
    // whatever ended it
    catchError(() => EMPTY),
    endWith<DeviceOutcome>({ type: 'Disconnected' }),
    repeat({ delay: () => timer(firmware.reconnectAfter) }),
  );

function conversation(line: Line, firmware: Firmware, hashesPerSecond: number): Observable<DeviceOutcome> {
  const state = firmwareState(firmware);
  const { maxSilence, updateInterval } = firmware;

  const reaction$ = line.chunk$.pipe(
    maxSilence === undefined ? identity : timeout({ each: maxSilence }),
    mergeMap((chunk) => state.receive(chunk, asyncScheduler.now())),
    tap((reaction) => {
      if (reaction.type === 'Send') line.write(reaction.bytes);
    }),
    share(),
  );
  const mined$ = reaction$.pipe(
    filter((reaction) => reaction.type === 'Work' || reaction.type === 'Rest'),
    switchMap((work) => (work.type === 'Rest' ? NEVER : hashing(line, state, work, hashesPerSecond))),
  );
  const update$ =
    updateInterval === undefined
      ? EMPTY
      : interval(updateInterval).pipe(
          tap(() => {
            const update = state.update(hashesPerSecond);
            if (update !== undefined) line.write(update);
          }),
          ignoreElements(),
        );
  const setUp$ = defer(() => {
    line.write(state.hello);
    return EMPTY;
  });
  return merge(mined$, update$, reaction$.pipe(filter(isOutcome)), setUp$).pipe(
    takeUntil(reaction$.pipe(ignoreElements(), endWith(null))),
    finalize(() => line.close()),
  );
}

const isOutcome = (reaction: Reaction): reaction is DeviceOutcome =>
  reaction.type !== 'Work' && reaction.type !== 'Rest' && reaction.type !== 'Send';

/** Hashes a header: nonces, and versions if it may. */
const hashing = (
  line: Line,
  state: FirmwareState,
  work: Work,
  hashesPerSecond: number,
): Observable<DeviceOutcome> =>
  virtualHasher(hashesPerSecond)
    .hash(work)
    .pipe(
      filter((event) => event.type === 'found'),
      map(({ nonce, version }): DeviceOutcome => {
        const header = work.header.slice();
        const view = new DataView(header.buffer);
        view.setUint32(0, version, true);
        view.setUint32(76, nonce, true);
        if (!meets(hash256(header), work.target)) throw new Error('it hashed something else');
        const { bytes, sequenceNumber } = state.submit(work, nonce, version);
        line.write(bytes);
        return { type: 'Submitted', jobId: work.jobId, sequenceNumber };
      }),
    );
