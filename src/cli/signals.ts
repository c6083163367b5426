import { fromEvent, merge } from 'rxjs';

const named$ = (name: 'SIGINT' | 'SIGTERM') => fromEvent(process, name, () => name);

/** The user wants the program to end, by the name of how: Ctrl-C, or SIGTERM. */
export const signal$ = merge(named$('SIGINT'), named$('SIGTERM'));
