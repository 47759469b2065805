// From a file to predictions with the SDK for JavaScript: upload, train, look at the candidates, deploy, ask, predict a
// whole object, clean up.
//
//     train_and_deploy.mjs TABLE ROWS REPORT
//
// TABLE is learned from, ROWS are predicted, and REPORT is written: what the script was told, as JSON.

import { readFileSync, writeFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";

import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import {
  CreateAutoMLJobV2Command,
  CreateEndpointCommand,
  CreateEndpointConfigCommand,
  CreateModelCommand,
  CreateTransformJobCommand,
  DeleteEndpointCommand,
  DeleteEndpointConfigCommand,
  DeleteModelCommand,
  DescribeAutoMLJobV2Command,
  ListTagsCommand,
  paginateListAutoMLJobs,
  paginateListCandidatesForAutoMLJob,
  SageMakerClient,
  waitUntilEndpointDeleted,
  waitUntilEndpointInService,
  waitUntilTransformJobCompletedOrStopped,
} from "@aws-sdk/client-sagemaker";
import { InvokeEndpointCommand, SageMakerRuntimeClient } from "@aws-sdk/client-sagemaker-runtime";

const [table, rows, report] = process.argv.slice(2);
const name = "javascript";
const role = "arn:aws:iam::000000000000:role/AnyRole";
const s3 = new S3Client({});
const sagemaker = new SageMakerClient({});
const runtime = new SageMakerRuntimeClient({});
const told = {};

async function refusalOf(attempt) {
  try {
    await attempt();
  } catch (error) {
    return { name: error.name, message: error.message, status: error.$metadata.httpStatusCode };
  }
  return {};
}

await s3.send(new CreateBucketCommand({ Bucket: name }));
await s3.send(new PutObjectCommand({ Bucket: name, Key: "people.csv", Body: readFileSync(table) }));

function jobOf(target) {
  return new CreateAutoMLJobV2Command({
    AutoMLJobName: name,
    AutoMLJobInputDataConfig: [
      {
        ChannelType: "training",
        DataSource: { S3DataSource: { S3DataType: "S3Prefix", S3Uri: `s3://${name}/people.csv` } },
      },
    ],
    OutputDataConfig: { S3OutputPath: `s3://${name}/out` },
    AutoMLProblemTypeConfig: {
      TabularJobConfig: {
        TargetAttributeName: target,
        Mode: "ENSEMBLING",
        CompletionCriteria: { MaxCandidates: 3 },
      },
    },
    RoleArn: role,
    Tags: [{ Key: "team", Value: "people" }],
  });
}

told.noSuchTarget = await refusalOf(() => sagemaker.send(jobOf("y")));
told.arn = (await sagemaker.send(jobOf("income"))).AutoMLJobArn;
told.taken = await refusalOf(() => sagemaker.send(jobOf("income")));
told.tags = (await sagemaker.send(new ListTagsCommand({ ResourceArn: told.arn }))).Tags;

let job;
do {
  await setTimeout(250);
  job = await sagemaker.send(new DescribeAutoMLJobV2Command({ AutoMLJobName: name }));
} while (job.AutoMLJobStatus === "InProgress");
told.job = { ...job, $metadata: undefined };
told.lastedMilliseconds = job.EndTime.getTime() - job.CreationTime.getTime();

told.pages = [];
const order = { AutoMLJobName: name, SortBy: "FinalObjectiveMetricValue", SortOrder: "Descending" };
for await (const page of paginateListCandidatesForAutoMLJob({ client: sagemaker, pageSize: 1 }, order)) {
  told.pages.push(page.Candidates.map((candidate) => candidate.CandidateName));
}
told.jobs = [];
for await (const page of paginateListAutoMLJobs({ client: sagemaker }, { NameContains: name })) {
  told.jobs.push(...page.AutoMLJobSummaries.map((summary) => summary.AutoMLJobName));
}

await sagemaker.send(
  new CreateModelCommand({
    ModelName: name,
    Containers: job.BestCandidate.InferenceContainers,
    ExecutionRoleArn: role,
  }),
);
await sagemaker.send(
  new CreateEndpointConfigCommand({
    EndpointConfigName: name,
    ProductionVariants: [
      { VariantName: "AllTraffic", ModelName: name, InstanceType: "ml.m5.large", InitialInstanceCount: 1 },
    ],
  }),
);
await sagemaker.send(new CreateEndpointCommand({ EndpointName: name, EndpointConfigName: name }));
const patience = { client: sagemaker, minDelay: 1, maxDelay: 1, maxWaitTime: 120 };
told.inService = (await waitUntilEndpointInService(patience, { EndpointName: name })).state;

const answer = await runtime.send(
  new InvokeEndpointCommand({ EndpointName: name, ContentType: "text/csv", Body: readFileSync(rows) }),
);
told.answer = {
  labels: answer.Body.transformToString().trim().split("\n"),
  type: answer.ContentType,
  variant: answer.InvokedProductionVariant,
};
told.tooNarrow = await refusalOf(() =>
  runtime.send(new InvokeEndpointCommand({ EndpointName: name, ContentType: "text/csv", Body: "1,2,3" })),
);

await s3.send(new PutObjectCommand({ Bucket: name, Key: "asked/rows.csv", Body: readFileSync(rows) }));
await sagemaker.send(
  new CreateTransformJobCommand({
    TransformJobName: name,
    ModelName: name,
    TransformInput: {
      DataSource: { S3DataSource: { S3DataType: "S3Prefix", S3Uri: `s3://${name}/asked/` } },
      ContentType: "text/csv",
      SplitType: "Line",
    },
    TransformOutput: { S3OutputPath: `s3://${name}/answered`, AssembleWith: "Line" },
    TransformResources: { InstanceType: "ml.m5.large", InstanceCount: 1 },
  }),
);
told.transformed = (await waitUntilTransformJobCompletedOrStopped(patience, { TransformJobName: name })).state;
const predicted = await s3.send(new GetObjectCommand({ Bucket: name, Key: "answered/rows.csv.out" }));
told.predicted = (await predicted.Body.transformToString()).trim().split("\n");

await sagemaker.send(new DeleteEndpointCommand({ EndpointName: name }));
told.deleted = (await waitUntilEndpointDeleted(patience, { EndpointName: name })).state;
await sagemaker.send(new DeleteEndpointConfigCommand({ EndpointConfigName: name }));
await sagemaker.send(new DeleteModelCommand({ ModelName: name }));

writeFileSync(report, JSON.stringify(told));
