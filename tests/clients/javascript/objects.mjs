// Objects through the SDK for JavaScript: whole, as streams, in parts, copied, listed, by presigned address, and gone.
//
//     objects.mjs REPORT
//
// REPORT is written: what the script was told, as JSON.

import { writeFileSync } from "node:fs";
import { Readable } from "node:stream";

import {
  ChecksumAlgorithm,
  CopyObjectCommand,
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  paginateListObjectsV2,
  PutObjectCommand,
  S3Client,
  waitUntilBucketExists,
} from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";

const [report] = process.argv.slice(2);
const Bucket = "from-javascript";
const Key = "a folder/ümlaut+&.txt";
const s3 = new S3Client({});
const told = {};

async function refusalOf(attempt) {
  try {
    await attempt();
  } catch (error) {
    return [error.name, error.$metadata.httpStatusCode];
  }
  return [];
}

await s3.send(new CreateBucketCommand({ Bucket }));
await waitUntilBucketExists({ client: s3, maxWaitTime: 60 }, { Bucket });
told.buckets = (await s3.send(new ListBucketsCommand({}))).Buckets.map((bucket) => bucket.Name);

await s3.send(
  new PutObjectCommand({ Bucket, Key, Body: "hello", ContentType: "text/plain", Metadata: { who: "me" } }),
);
const whole = await s3.send(new GetObjectCommand({ Bucket, Key, ChecksumMode: "ENABLED" }));
told.whole = {
  body: await whole.Body.transformToString(),
  type: whole.ContentType,
  metadata: whole.Metadata,
  checksum: whole.ChecksumCRC32,
};

const pieces = Readable.from([Buffer.from("abc"), Buffer.from("def")]);
await s3.send(new PutObjectCommand({ Bucket, Key: "stream", Body: pieces, ContentLength: 6 }));
const range = await s3.send(new GetObjectCommand({ Bucket, Key: "stream", Range: "bytes=1-3" }));
told.range = [range.ContentRange, await range.Body.transformToString()];

told.checksums = {};
for (const algorithm of Object.values(ChecksumAlgorithm).filter((name) => /^(CRC|SHA(1|256)$)/.test(name))) {
  const stored = await s3.send(
    new PutObjectCommand({ Bucket, Key: `sums/${algorithm}`, Body: "hello", ChecksumAlgorithm: algorithm }),
  );
  told.checksums[algorithm] = stored[`Checksum${algorithm}`];
}

const long = Buffer.alloc(12 * 1024 * 1024, "0123456789");
const upload = new Upload({
  client: s3,
  params: { Bucket, Key: "long", Body: Readable.from([long]) },
  partSize: 5 * 1024 * 1024,
});
const uploaded = await upload.done();
told.parts = uploaded.ETag.split("-")[1].replace('"', "");
told.location = uploaded.Location;
const back = await s3.send(new GetObjectCommand({ Bucket, Key: "long" }));
told.longIsTheSame = Buffer.from(await back.Body.transformToByteArray()).equals(long);

await s3.send(new CopyObjectCommand({ Bucket, Key: "copy", CopySource: encodeURI(`${Bucket}/${Key}`) }));
told.copied = (await s3.send(new HeadObjectCommand({ Bucket, Key: "copy" }))).Metadata;

const getting = await getSignedUrl(s3, new GetObjectCommand({ Bucket, Key }), { expiresIn: 60 });
const putting = await getSignedUrl(s3, new PutObjectCommand({ Bucket, Key: "signed" }), { expiresIn: 60 });
told.signed = {
  got: await (await fetch(getting)).text(),
  put: (await fetch(putting, { method: "PUT", body: "by address" })).status,
  forged: (await fetch(getting.replace("Expires=60", "Expires=61"))).status,
};

told.missing = await refusalOf(() => s3.send(new GetObjectCommand({ Bucket, Key: "no such key" })));
told.missingHead = await refusalOf(() => s3.send(new HeadObjectCommand({ Bucket, Key: "no such key" })));
told.taken = await refusalOf(() => s3.send(new PutObjectCommand({ Bucket, Key, Body: "", IfNoneMatch: "*" })));
told.notEmpty = await refusalOf(() => s3.send(new DeleteBucketCommand({ Bucket })));

told.pages = [];
for await (const page of paginateListObjectsV2({ client: s3, pageSize: 3 }, { Bucket })) {
  told.pages.push(page.Contents.map((object) => object.Key));
}
const Objects = told.pages.flat().map((key) => ({ Key: key }));
told.deleted = (await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }))).Deleted.length;
told.removed = (await s3.send(new DeleteBucketCommand({ Bucket }))).$metadata.httpStatusCode;

writeFileSync(report, JSON.stringify(told));
