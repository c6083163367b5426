/** Keeps a history over restarts: what was written is read, and what is seen is written, once a minute. */
import {
  catchError,
  concat,
  defer,
  EMPTY,
  exhaustMap,
  finalize,
  from,
  ignoreElements,
  lastValueFrom,
  map,
  mergeMap,
  of,
  tap,
  timer,
  type Observable,
  type SchedulerLike,
} from 'rxjs';
import { counted } from '../../codec/counted.js';
import { Sv2Error } from '../../codec/errors.js';
import {
  decodeSlots,
  encodeSlots,
  slotsHeader,
  slotsSize,
  type DecodedSlots,
  type SlotsForm,
} from '../../observe/history-slots.js';
import type { HistoryFile } from './history-file.js';
import type { Timeline } from './timeline.js';

/** Milliseconds until the first is written, when there was a first look at the role, and from then on. */
const firstWrite = 15_000;
const writeInterval = 60_000;

/** Records above one for each slot from which a file is written anew: those of half a day, 70 KB. */
const spareRecords = 2_160;

/** What a history is kept with. */
export interface KeptHistoryOptions {
  readonly history: Pick<Timeline, 'slots' | 'add'>;
  readonly form: SlotsForm;
  readonly file: HistoryFile;
  readonly scheduler: SchedulerLike;
}

const problem = (code: string, message: string, cause?: unknown): Sv2Error =>
  new Sv2Error(code, message, {}, cause);

/** Why a file cannot be used, as its system says. */
const reason = (error: unknown): string => {
  const { code, message } = error as NodeJS.ErrnoException;
  if (error instanceof Sv2Error) return message;
  return code === 'ENOSPC' ? 'the disk is full' : (code ?? message);
};

/**
 * Adds what a file has of a history to it, and writes what is seen since, while subscribed; what is not written by then at
 * the end. A file holds each slot once, and those of half a day more: it is written anew when there are more.
 *
 * ```text
 * file.read$()      --x
 * file.append$()      --------a--------a----
 *   keptHistory()  ------------------------     emits what there is to tell
 * ```
 * @returns emits an Sv2Error for each thing that somebody should know: `history-foreign` for a file of another version,
 * which is left as it is, `history-damaged` for what was cut off, `history-unavailable` when it cannot be used; never errors
 */
export function keptHistory({ history, form, file, scheduler }: KeptHistoryOptions): Observable<Sv2Error> {
  return defer(() => {
    const most = spareRecords + form.resolutions.reduce((sum, { slots }) => sum + slots, 0);
    /** Records that the file has; undefined when it is to be written anew. */
    let records: number | undefined;
    /** When what is written was seen. */
    let writtenAt = scheduler.now();
    let isFailing = false;

    const write$ = (): Observable<Sv2Error> =>
      defer(() => {
        const now = scheduler.now();
        const isWhole = records === undefined || records >= most;
        const slots = history.slots(isWhole ? 0 : writtenAt);
        const before = isWhole ? 0 : (records ?? 0);
        const bytes = encodeSlots(form, slots);
        records = undefined; // unless it is known to be written
        return (isWhole ? file.replace$([slotsHeader(form), bytes]) : file.append$(bytes)).pipe(
          tap({
            complete: () => {
              records = before + slots.length;
              writtenAt = now;
              isFailing = false;
            },
          }),
          ignoreElements(),
        );
      }).pipe(
        catchError((error: unknown) => {
          if (isFailing) return EMPTY;
          isFailing = true;
          return of(
            problem(
              'history-unavailable',
              `the history cannot be written to ${file.name}: ${reason(error)}; it is tried every minute`,
              error,
            ),
          );
        }),
      );

    const taken = ({ slots, cutBytes, futureSlots, records: had }: DecodedSlots): Sv2Error[] => {
      history.add(slots);
      if (had > 0 && cutBytes === 0 && futureSlots === 0) records = had;
      return [
        ...(cutBytes === 0
          ? []
          : [
              problem(
                'history-damaged',
                `the last write to the history in ${file.name} was cut short: ${counted(cutBytes, 'byte')} left out`,
              ),
            ]),
        ...(futureSlots === 0
          ? []
          : [
              problem(
                'history-damaged',
                `the history in ${file.name} is of times to come, by this machine's clock: ${counted(futureSlots, 'slot')} left out`,
              ),
            ]),
      ];
    };

    const kept$ = defer(() =>
      timer(firstWrite, writeInterval, scheduler).pipe(
        exhaustMap(write$),
        finalize(() => void lastValueFrom(write$(), { defaultValue: undefined })), // the process lives until this is done
      ),
    );
    return file.read$(slotsSize(form, 2 * most)).pipe(
      map((bytes) => decodeSlots(form, bytes, scheduler.now())),
      mergeMap((decoded) =>
        decoded === undefined
          ? of(
              problem(
                'history-foreign',
                `${file.name} is no history of this version, and is left as it is: the history is in memory alone until that file is moved away`,
              ),
            )
          : concat(from(taken(decoded)), kept$),
      ),
      catchError((error: unknown) =>
        of(
          problem(
            'history-unavailable',
            `the history in ${file.name} cannot be used, and is in memory alone: ${reason(error)}`,
            error,
          ),
        ),
      ),
    );
  });
}
