import { fromEvent, merge } from 'rxjs';

/** The user wants the program to end: Ctrl-C, or SIGTERM. */
export const signal$ = merge(fromEvent(process, 'SIGINT'), fromEvent(process, 'SIGTERM'));
