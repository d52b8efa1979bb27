// What the tests use of s3rver, which has no types of its own.
declare module 's3rver' {
  interface Bucket {
    readonly name: string;
    readonly configs: readonly string[];
  }
  interface Options {
    readonly port: number;
    readonly address: string;
    readonly silent: boolean;
    readonly directory: string;
    readonly configureBuckets: readonly Bucket[];
  }
  export default class S3rver {
    constructor(options: Options);
    run(): Promise<{ readonly port: number }>;
    close(): Promise<void>;
  }
}
