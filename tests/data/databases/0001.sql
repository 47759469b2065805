BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0001');
CREATE TABLE records (
	kind TEXT NOT NULL, 
	parent_key TEXT NOT NULL, 
	name_key TEXT NOT NULL, 
	name TEXT NOT NULL, 
	parent TEXT NOT NULL, 
	state TEXT NOT NULL, 
	created_at BIGINT NOT NULL, 
	modified_at BIGINT NOT NULL, 
	version BIGINT NOT NULL, 
	document TEXT NOT NULL, 
	PRIMARY KEY (kind, parent_key, name_key)
);
INSERT INTO "records" VALUES('AutoML job','','churn','Churn','','InProgress',1769860800000000,1769860800000000,1,'{"name":"Churn","parent":"","version":1,"created_at":"2026-01-31T12:00:00Z","modified_at":"2026-01-31T12:00:00Z","status":"InProgress","step":"TrainingModels","generation":"V1","request":{"AutoMLJobName":"Churn","InputDataConfig":[{"DataSource":{"S3DataSource":{"S3DataType":"S3Prefix","S3Uri":"s3://data/churn.csv"}},"TargetAttributeName":"churned"}],"OutputDataConfig":{"S3OutputPath":"s3://data/models"},"AutoMLJobConfig":{"Mode":"ENSEMBLING"},"RoleArn":"arn:aws:iam::000000000000:role/GyropilotExecutionRole","Tags":[{"Key":"team","Value":"a"}]},"problem":{"data_uri":"s3://data/churn.csv","data_format":"csv","compression":"","target":"churned","validation_uri":"","validation_fraction":null,"features_uri":"","weight_column":"","output_uri":"s3://data/models","problem_type":"","objective":"","algorithms":[],"max_candidates":null,"max_runtime_seconds":null,"max_runtime_per_candidate_seconds":null,"seed":0},"started_at":"2026-01-31T12:00:00Z","ended_at":null,"lease":null,"attempts":1,"failure_reason":"","findings":[],"best_candidate":"","resolved_problem_type":"","resolved_objective":""}');
INSERT INTO "records" VALUES('candidate','churn','churn-1-lightgbm','Churn-1-lightgbm','Churn','Completed',1769860800000000,1769860800000000,1,'{"name":"Churn-1-lightgbm","parent":"Churn","version":1,"created_at":"2026-01-31T12:00:00Z","modified_at":"2026-01-31T12:00:00Z","status":"Completed","algorithm":"lightgbm","parameters":{},"ended_at":null,"failure_reason":"","objective":null,"metrics":[],"latency_seconds":null,"fit_seconds":null,"containers":[]}');
CREATE INDEX records_by_created_at ON records (kind, created_at, name_key, parent_key);
CREATE INDEX records_by_modified_at ON records (kind, modified_at, name_key, parent_key);
CREATE INDEX records_by_state ON records (kind, state, name_key, parent_key);
COMMIT;
