// A bucket of S3, or of a compatible server, as a queue's storage. The SDK finds the credentials: environment, shared
// configuration, the machine's role.
import { badOption, FlowDenoiseError, messageOf } from '../../core/errors.js';
import { printable } from '../../core/printable.js';
import { isSupportedExtension } from '../../image/index.js';
import { checkLength, collectBytes } from '../../plugin/encoded-picture.js';
import { imported } from '../connection.js';
import { checkPath, refuseMissing, refuseOutside, type Storage, type StoredPicture } from './storage.js';

const SCHEME = 's3://';

export function isBucketAddress(location: string): boolean {
  return location.startsWith(SCHEME);
}

/** @throws FlowDenoiseError BAD_OPTION */
function parseBucketAddress(address: string): { readonly bucket: string; readonly key: string } {
  const [, bucket, key = ''] =
    /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*?))?\/?$/s.exec(address) ?? [];
  if (bucket === undefined) {
    throw badOption(`Expected s3://bucket/prefix but received ${printable(address)}`);
  }
  if (key !== '') checkPath(key);
  return { bucket, key };
}

/** @throws FlowDenoiseError BAD_OPTION for a wrong address or endpoint; QUEUE_FAILED if the package is not installed */
export async function openBucketStorage(address: string, endpoint?: string): Promise<Storage> {
  const { bucket, key: prefix } = parseBucketAddress(address);
  if (endpoint !== undefined && !/^https?:$/.test(URL.canParse(endpoint) ? new URL(endpoint).protocol : ''))
    throw badOption(`Expected a URL (https://...) for endpoint but received ${printable(endpoint)}`);
  const sdk = await imported(import('@aws-sdk/client-s3'), '@aws-sdk/client-s3');
  // Servers other than AWS name the bucket in the path, ignore the region, and often lack the newer checksums.
  const elsewhere = {
    endpoint,
    forcePathStyle: true,
    region: process.env.AWS_REGION ?? process.env.AWS_DEFAULT_REGION ?? 'us-east-1',
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  } as const;
  const client = new sdk.S3Client(endpoint === undefined ? {} : elsewhere);
  const root = `${SCHEME}${bucket}${prefix === '' ? '' : `/${prefix}`}`;
  const locationOf = (path: string) => `${SCHEME}${bucket}/${path}`;

  function objectOf(path: string): { readonly Bucket: string; readonly Key: string } {
    checkPath(path);
    if (prefix !== '' && !path.startsWith(`${prefix}/`)) refuseOutside(locationOf(path), root);
    return { Bucket: bucket, Key: path };
  }

  async function head(path: string): Promise<StoredPicture | undefined> {
    try {
      const found = await client.send(new sdk.HeadObjectCommand(objectOf(path)));
      return { path, content: contentOf(found.ETag), bytes: found.ContentLength ?? 0 };
    } catch (error) {
      if (statusOf(error) === 404) return undefined;
      throw storageFault(error, locationOf(path));
    }
  }

  return {
    id: `${SCHEME}${bucket}`,
    shown: root,
    locationOf,
    find: async (path) => (await head(path)) ?? refuseMissing(locationOf(path), 'gone'),
    async *list(path) {
      if (path !== '' && isSupportedExtension(path)) {
        const picture = await head(path);
        if (picture) {
          yield picture;
          return;
        }
      }
      const below = { Bucket: bucket, Prefix: path === '' ? '' : `${path}/` };
      try {
        for await (const { Contents = [] } of sdk.paginateListObjectsV2({ client }, below)) {
          for (const { Key = '', ETag, Size = 0 } of Contents) {
            const isHidden = Key.slice(path.length)
              .split('/')
              .some((part) => part.startsWith('.'));
            if (!isHidden && isSupportedExtension(Key))
              yield { path: Key, content: contentOf(ETag), bytes: Size };
          }
        }
      } catch (error) {
        throw storageFault(error, locationOf(path));
      }
    },
    async read(path, { most, content, signal }) {
      const location = locationOf(path);
      try {
        const command = new sdk.GetObjectCommand(objectOf(path));
        const found = await client.send(command, signal && { abortSignal: signal });
        if (content !== undefined && contentOf(found.ETag) !== content) refuseMissing(location, 'changed');
        if (found.ContentLength !== undefined) checkLength(found.ContentLength, location, most);
        return await collectBytes(found.Body as AsyncIterable<Uint8Array>, location, most);
      } catch (error) {
        signal?.throwIfAborted();
        if (nameOf(error) === 'NoSuchKey') refuseMissing(location, 'gone');
        throw storageFault(error, location);
      }
    },
    async write(path, bytes, { keepsExisting, signal }) {
      const put = (condition: { readonly IfNoneMatch?: '*' }) => {
        const command = new sdk.PutObjectCommand({ ...objectOf(path), Body: bytes, ...condition });
        return client.send(command, signal && { abortSignal: signal });
      };
      try {
        await put(keepsExisting ? { IfNoneMatch: '*' } : {}).catch((error: unknown) => {
          // Some servers have no conditional writes; a plain PUT is atomic too.
          if (keepsExisting && statusOf(error) === 501) return put({});
          throw error;
        });
      } catch (error) {
        signal?.throwIfAborted();
        if (keepsExisting && statusOf(error) === 412) return;
        throw storageFault(error, locationOf(path));
      }
    },
    async pathOf(location) {
      const address = isBucketAddress(location) ? parseBucketAddress(location) : undefined;
      if (address?.bucket !== bucket) refuseOutside(location, root);
      return address.key;
    },
    exists: async (path) => (await head(path)) !== undefined,
    close: () => client.destroy(),
  };
}

/** The server's identifier of an object's content. */
function contentOf(etag: string | undefined): string {
  return etag?.replaceAll('"', '') ?? '';
}

function statusOf(error: unknown): number | undefined {
  const { $metadata } = (error ?? {}) as { readonly $metadata?: { readonly httpStatusCode?: number } };
  return $metadata?.httpStatusCode;
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : '';
}

/** The server's message may quote what it was sent, so we show only its code. */
function storageFault(error: unknown, location: string): FlowDenoiseError {
  if (error instanceof FlowDenoiseError) return error;
  const status = statusOf(error);
  const what =
    status === undefined
      ? `the storage cannot be reached (${printable(messageOf(error))})`
      : `the storage answered with an error (${nameOf(error)}, ${status})`;
  const message = `${printable(location)}: ${what}. Check the name of the bucket, the credentials in the environment and their rights, the endpoint and the network.`;
  return new FlowDenoiseError('STORAGE_FAILED', message, { cause: error });
}
