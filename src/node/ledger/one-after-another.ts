/** Runs asynchronous work one piece after another, in the order in which it comes, whether or not what is before it fails. */
export const oneAfterAnother = (): (<T>(work: () => Promise<T>) => Promise<T>) => {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const result = last.then(work, work);
    last = result.catch(() => undefined);
    return result;
  };
};
