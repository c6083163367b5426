/** Observables and the browser's memory as hooks. */
import { useEffect, useState } from 'preact/hooks';
import type { Observable } from 'rxjs';

/** The last value of a stream; `first` before there is one. Another stream is subscribed to when `keys` are others. */
export function useObservable<T>(start: () => Observable<T>, first: T, keys: readonly unknown[]): T {
  const [value, setValue] = useState(first);
  useEffect(() => {
    const subscription = start().subscribe(setValue);
    return () => subscription.unsubscribe();
  }, keys);
  return value;
}

/** A choice that the browser remembers, if it lets us. @param area `sessionStorage` forgets with the tab */
export function useRemembered<T extends string>(
  name: string,
  first: T,
  area: 'localStorage' | 'sessionStorage' = 'localStorage',
): readonly [T, (value: T) => void] {
  const [value, setValue] = useState<T>(() => {
    try {
      return (window[area].getItem(`rx-sv2.${name}`) as T | null) ?? first;
    } catch {
      return first; // private windows may refuse
    }
  });
  const remember = (next: T) => {
    setValue(next);
    try {
      window[area].setItem(`rx-sv2.${name}`, next);
    } catch {
      // then it holds while the page is open
    }
  };
  return [value, remember];
}
