/** What is used of js-yaml, which comes without types. */
declare module 'js-yaml' {
  const yaml: {
    /** What a document says. @throws for what is no YAML */
    safeLoad(text: string): unknown;
  };
  export default yaml;
}
