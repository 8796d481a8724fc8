BEGIN TRANSACTION;
CREATE TABLE announced (fingerprint TEXT NOT NULL PRIMARY KEY, at TEXT NOT NULL);
CREATE TABLE assignment (
    key TEXT NOT NULL,
    first_scan INTEGER NOT NULL,
    until_scan INTEGER,
    hash TEXT NOT NULL, provider TEXT, source TEXT, scope TEXT, body TEXT NOT NULL,
    checksum TEXT NOT NULL,
    PRIMARY KEY (key, first_scan)
);
CREATE TABLE assignment_sighting (
    key TEXT NOT NULL,
    first_scan INTEGER NOT NULL,
    until_scan INTEGER,
    body TEXT NOT NULL,
    checksum TEXT NOT NULL,
    PRIMARY KEY (key, first_scan)
) WITHOUT ROWID;
CREATE TABLE audit_log (
    number INTEGER NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    at TEXT NOT NULL,
    body TEXT NOT NULL,
    checksum TEXT NOT NULL
);
INSERT INTO "audit_log" VALUES(1,'trail','2026-11-13T08:00:00+00:00','{"type":"cloudtrail","provider":"aws","unlogged":["s3:GetObject*","s3:PutObject*","s3:DeleteObject*","s3:ListBucket","s3:ListBucketVersions","s3:ListMultipartUploadParts","s3:AbortMultipartUpload","s3:RestoreObject","s3-object-lambda:*","lambda:InvokeFunction","lambda:InvokeFunctionUrl","lambda:InvokeAsync","dynamodb:BatchGetItem","dynamodb:BatchWriteItem","dynamodb:*Item","dynamodb:Query","dynamodb:Scan","dynamodb:PartiQL*","dynamodb:GetRecords","dynamodb:GetShardIterator","dynamodb:ConditionCheckItem","sns:Publish","sqs:SendMessage","sqs:ReceiveMessage","sqs:DeleteMessage","sqs:ChangeMessageVisibility","kinesis:PutRecord*","kinesis:GetRecords","kinesis:GetShardIterator","firehose:PutRecord*","events:PutEvents","cloudwatch:PutMetricData","cloudwatch:GetMetric*","logs:PutLogEvents","logs:GetLogEvents","logs:FilterLogEvents","sagemaker:InvokeEndpoint*","sagemaker-featurestore-runtime:*","bedrock:InvokeAgent","bedrock:InvokeInlineAgent","bedrock:InvokeFlow","bedrock:Retrieve*","bedrock:InvokeModelWithBidirectionalStream","bedrock-agentcore:Invoke*","ssmmessages:*","ec2messages:*","execute-api:*","appsync:GraphQL","aps:*Metrics","aps:RemoteWrite","rds-db:connect","redshift-data:*","xray:Put*","xray:GetSampling*","ecr:BatchGetImage","ecr:GetDownloadUrlForLayer","ecr:BatchCheckLayerAvailability","cassandra:Select","cassandra:Modify","qbusiness:Chat*","cognito-identity:GetId","cognito-identity:GetCredentialsForIdentity","iot:Publish","iot:Connect","iot:Subscribe","iot:Receive","timestream:WriteRecords","timestream:Select","elasticfilesystem:Client*","ebs:*Block*","translate:TranslateText","s3express:*","s3tables:*TableData"],"also_called":{"apigateway:DELETE":["apigateway:DeleteRestApi"],"apigateway:GET":["apigateway:GetRestApis","apigateway:GetRestApi","apigateway:GetApiKeys","apigateway:GetApiKey","apigateway:GetStages","apigateway:GetResources"],"apigateway:PATCH":["apigateway:UpdateStage","apigateway:UpdateRestApi"],"apigateway:POST":["apigateway:CreateRestApi","apigateway:CreateApiKey","apigateway:CreateDeployment"],"bedrock:InvokeModel":["bedrock:Converse","bedrock:InvokeModelWithBidirectionalStream","bedrock:StartAsyncInvoke"],"bedrock:InvokeModelWithResponseStream":["bedrock:ConverseStream"],"dynamodb:GetItem":["dynamodb:TransactGetItems"],"dynamodb:PartiQLSelect":["dynamodb:ExecuteStatement","dynamodb:BatchExecuteStatement"],"kms:ReEncryptFrom":["kms:ReEncrypt"],"lambda:InvokeFunction":["lambda:Invoke","lambda:InvokeWithResponseStream"],"s3:DeleteObject":["s3:DeleteObjects"],"s3:GetAccelerateConfiguration":["s3:GetBucketAccelerateConfiguration"],"s3:GetAnalyticsConfiguration":["s3:GetBucketAnalyticsConfiguration"],"s3:GetBucketCORS":["s3:GetBucketCors"],"s3:GetBucketNotification":["s3:GetBucketNotificationConfiguration"],"s3:GetBucketPublicAccessBlock":["s3:GetPublicAccessBlock"],"s3:GetEncryptionConfiguration":["s3:GetBucketEncryption"],"s3:GetIntelligentTieringConfiguration":["s3:GetBucketIntelligentTieringConfiguration"],"s3:GetInventoryConfiguration":["s3:GetBucketInventoryConfiguration"],"s3:GetLifecycleConfiguration":["s3:GetBucketLifecycle","s3:GetBucketLifecycleConfiguration"],"s3:GetMetricsConfiguration":["s3:GetBucketMetricsConfiguration"],"s3:GetObject":["s3:HeadObject","s3:SelectObjectContent"],"s3:GetReplicationConfiguration":["s3:GetBucketReplication"],"s3:ListAllMyBuckets":["s3:ListBuckets"],"s3:ListBucket":["s3:ListObjects","s3:ListObjectsV2","s3:HeadBucket"],"s3:ListBucketMultipartUploads":["s3:ListMultipartUploads"],"s3:ListBucketVersions":["s3:ListObjectVersions"],"s3:ListMultipartUploadParts":["s3:ListParts"],"s3:PutBucketCORS":["s3:PutBucketCors","s3:DeleteBucketCors"],"s3:PutBucketNotification":["s3:PutBucketNotificationConfiguration"],"s3:PutBucketPublicAccessBlock":["s3:PutPublicAccessBlock","s3:DeletePublicAccessBlock"],"s3:PutBucketTagging":["s3:DeleteBucketTagging"],"s3:PutEncryptionConfiguration":["s3:PutBucketEncryption","s3:DeleteBucketEncryption"],"s3:PutLifecycleConfiguration":["s3:PutBucketLifecycle","s3:PutBucketLifecycleConfiguration","s3:DeleteBucketLifecycle"],"s3:PutObject":["s3:CopyObject","s3:CreateMultipartUpload","s3:UploadPart","s3:UploadPartCopy","s3:CompleteMultipartUpload"],"s3:PutReplicationConfiguration":["s3:PutBucketReplication","s3:DeleteBucketReplication"]}}','a38ef805');
INSERT INTO "audit_log" VALUES(2,'vault','2026-11-13T08:00:00+00:00','{"type":"vault_audit","provider":"vault","sees_all_use_of":["entity"]}','f28bacd5');
CREATE TABLE blind_spot (
    source TEXT NOT NULL,
    scope TEXT NOT NULL,
    section TEXT NOT NULL,
    status TEXT NOT NULL,
    since TEXT NOT NULL,
    PRIMARY KEY (source, scope, section)
);
CREATE TABLE coverage (
    scan INTEGER NOT NULL REFERENCES scan (seq),
    position INTEGER NOT NULL,
    source TEXT NOT NULL,
    scope TEXT NOT NULL,
    section TEXT NOT NULL,
    status TEXT NOT NULL,
    body TEXT NOT NULL,
    checksum TEXT NOT NULL,
    PRIMARY KEY (scan, position)
);
CREATE TABLE entry (
    key TEXT NOT NULL,
    first_scan INTEGER NOT NULL,
    until_scan INTEGER,
    hash TEXT NOT NULL, state TEXT, body TEXT NOT NULL,
    checksum TEXT NOT NULL,
    PRIMARY KEY (key, first_scan)
);
CREATE TABLE entry_sighting (
    key TEXT NOT NULL,
    first_scan INTEGER NOT NULL,
    until_scan INTEGER,
    body TEXT NOT NULL,
    checksum TEXT NOT NULL,
    PRIMARY KEY (key, first_scan)
) WITHOUT ROWID;
CREATE TABLE exposure (
    key TEXT NOT NULL,
    first_scan INTEGER NOT NULL,
    until_scan INTEGER,
    hash TEXT NOT NULL, provider TEXT, source TEXT, scope TEXT, body TEXT NOT NULL,
    checksum TEXT NOT NULL,
    PRIMARY KEY (key, first_scan)
);
CREATE TABLE exposure_sighting (
    key TEXT NOT NULL,
    first_scan INTEGER NOT NULL,
    until_scan INTEGER,
    body TEXT NOT NULL,
    checksum TEXT NOT NULL,
    PRIMARY KEY (key, first_scan)
) WITHOUT ROWID;
CREATE TABLE finding (
    key TEXT NOT NULL,
    first_scan INTEGER NOT NULL,
    until_scan INTEGER,
    hash TEXT NOT NULL, rule TEXT, severity TEXT, identity TEXT, entry TEXT, wording TEXT, held_back TEXT, first_seen TEXT, body TEXT NOT NULL,
    checksum TEXT NOT NULL,
    PRIMARY KEY (key, first_scan)
) WITHOUT ROWID;
CREATE TABLE finding_sighting (
    key TEXT NOT NULL,
    first_scan INTEGER NOT NULL,
    until_scan INTEGER,
    body TEXT NOT NULL,
    checksum TEXT NOT NULL,
    PRIMARY KEY (key, first_scan)
) WITHOUT ROWID;
CREATE TABLE identity (
    key TEXT NOT NULL,
    first_scan INTEGER NOT NULL,
    until_scan INTEGER,
    hash TEXT NOT NULL, provider TEXT, source TEXT, scope TEXT, kind TEXT, registry_state TEXT, ownership_state TEXT, usage_state TEXT, privilege_level TEXT, unique_id TEXT, created_by TEXT, body TEXT NOT NULL,
    checksum TEXT NOT NULL,
    PRIMARY KEY (key, first_scan)
);
CREATE TABLE identity_sighting (
    key TEXT NOT NULL,
    first_scan INTEGER NOT NULL,
    until_scan INTEGER,
    body TEXT NOT NULL,
    checksum TEXT NOT NULL,
    PRIMARY KEY (key, first_scan)
) WITHOUT ROWID;
CREATE TABLE identity_since (
    key TEXT NOT NULL PRIMARY KEY,
    first_scan INTEGER NOT NULL REFERENCES scan (seq)
);
CREATE TABLE log_caller (
    number INTEGER NOT NULL PRIMARY KEY,
    log TEXT NOT NULL,
    scope TEXT NOT NULL,
    caller TEXT NOT NULL,
    unique_id TEXT NOT NULL,
    hash TEXT NOT NULL,
    checksum TEXT NOT NULL
);
INSERT INTO "log_caller" VALUES(1,'trail','111122223333','arn:aws:iam::111122223333:user/ci','AIDAEXAMPLEUSER','1cccfec0c156cb3e','b15138dd');
INSERT INTO "log_caller" VALUES(2,'vault','root','11111111-2222-3333-4444-555555555555','11111111-2222-3333-4444-555555555555','187d07584d36506e','14d4328c');
CREATE TABLE log_change (
    unit INTEGER NOT NULL,
    position INTEGER NOT NULL,
    body TEXT NOT NULL,
    checksum TEXT NOT NULL,
    PRIMARY KEY (unit, position)
);
CREATE TABLE log_day (
    caller INTEGER NOT NULL,
    day INTEGER NOT NULL,
    unit INTEGER NOT NULL,
    body TEXT NOT NULL,
    checksum TEXT NOT NULL,
    PRIMARY KEY (caller, day, unit)
);
INSERT INTO "log_day" VALUES(1,739930,1,'[1794304800,1794304801,1024,2,0,[[0,2],[1,2],[2,2],[3,2]],[[3,"111122223333-10-0-0"]],1]','25085292');
INSERT INTO "log_day" VALUES(1,739931,2,'[1794391200,1794391201,1024,2,0,[[0,2],[1,2],[2,2],[3,2]],[[3,"111122223333-11-0-0"]],1]','d3d3d680');
INSERT INTO "log_day" VALUES(1,739932,3,'[1794477600,1794477601,1024,2,0,[[0,2],[1,2],[2,2],[3,2]],[[3,"111122223333-12-0-0"]],1]','ae1d81c9');
INSERT INTO "log_day" VALUES(2,739930,4,'[1794304800,1794304800,1024,1,0,[[0,1],[1,1]],[[1,"r-10"]],1]','858a6d8c');
INSERT INTO "log_day" VALUES(2,739931,4,'[1794391200,1794391200,1024,1,0,[[0,1],[1,1]],[[1,"r-11"]],1]','40711526');
INSERT INTO "log_day" VALUES(2,739932,4,'[1794477600,1794477600,1024,1,0,[[0,1],[1,1]],[[1,"r-12"]],1]','533a2bfe');
CREATE TABLE log_feature (
    caller INTEGER NOT NULL,
    number INTEGER NOT NULL,
    feature TEXT NOT NULL,
    checksum TEXT NOT NULL,
    PRIMARY KEY (caller, number)
);
INSERT INTO "log_feature" VALUES(1,0,'client=boto3','4edce2b0');
INSERT INTO "log_feature" VALUES(1,1,'network=203.0.113.0/24','eaa74b87');
INSERT INTO "log_feature" VALUES(1,2,'region=eu-west-1','ab8a5f8c');
INSERT INTO "log_feature" VALUES(1,3,'write=iam:PutRolePolicy','575cac44');
INSERT INTO "log_feature" VALUES(2,0,'network=203.0.113.0/24','99d5c358');
INSERT INTO "log_feature" VALUES(2,1,'secret=kv:read','71321b29');
CREATE TABLE log_unit (
    number INTEGER NOT NULL PRIMARY KEY,
    log TEXT NOT NULL,
    sort TEXT NOT NULL,
    name TEXT NOT NULL,
    digest TEXT NOT NULL,
    read_at TEXT NOT NULL,
    events INTEGER NOT NULL,
    days INTEGER NOT NULL,
    changes INTEGER NOT NULL,
    coverage TEXT NOT NULL,
    checksum TEXT NOT NULL
);
INSERT INTO "log_unit" VALUES(1,'trail','unit','111122223333/2026-11-10','fee2e740d2b40d96a23012a2a90e5a36','2026-11-13T08:00:00+00:00',2,1,0,'[["111122223333",739930]]','b474e798');
INSERT INTO "log_unit" VALUES(2,'trail','unit','111122223333/2026-11-11','e868c283fd2a77b0d1d5c52d84ca9dec','2026-11-13T08:00:00+00:00',2,1,0,'[["111122223333",739931]]','7dfb671d');
INSERT INTO "log_unit" VALUES(3,'trail','unit','111122223333/2026-11-12','5a2a689e041a2f19b7f4df45fd76b0b0','2026-11-13T08:00:00+00:00',2,1,0,'[["111122223333",739932]]','ea1cb52d');
INSERT INTO "log_unit" VALUES(4,'vault','unit','files/8f65612e07120da6f00948c2','798 1790000000000000000','2026-11-13T08:00:00+00:00',3,3,0,'[["*",739930],["*",739931],["*",739932]]','665d63d1');
CREATE TABLE muster_migration (
	number INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	PRIMARY KEY (number)
);
INSERT INTO "muster_migration" VALUES(1,'0.1.0');
INSERT INTO "muster_migration" VALUES(2,'scans whose events are to open reviews');
CREATE TABLE ordering (
    key TEXT NOT NULL,
    first_scan INTEGER NOT NULL,
    until_scan INTEGER,
    body TEXT NOT NULL,
    checksum TEXT NOT NULL,
    PRIMARY KEY (key, first_scan)
);
CREATE TABLE outbox (
    id TEXT NOT NULL PRIMARY KEY,
    channel TEXT NOT NULL,
    created_at TEXT NOT NULL,
    position INTEGER NOT NULL,
    body TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    claimed_until TEXT,
    fault TEXT
);
CREATE TABLE page_record (
    id TEXT NOT NULL PRIMARY KEY,
    sort TEXT NOT NULL,
    at TEXT NOT NULL,
    person TEXT NOT NULL,
    subject TEXT NOT NULL,
    body TEXT NOT NULL,
    checksum TEXT NOT NULL
);
CREATE TABLE review (
    number INTEGER NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    body TEXT NOT NULL,
    checksum TEXT NOT NULL
);
CREATE TABLE review_item (
    review INTEGER NOT NULL REFERENCES review (number),
    position INTEGER NOT NULL,
    body TEXT NOT NULL,
    checksum TEXT NOT NULL,
    PRIMARY KEY (review, position)
);
CREATE TABLE review_record (
    review INTEGER NOT NULL REFERENCES review (number),
    position INTEGER NOT NULL,
    body TEXT NOT NULL,
    checksum TEXT NOT NULL,
    PRIMARY KEY (review, position)
);
CREATE TABLE scan (
    seq INTEGER NOT NULL PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    started_at TEXT NOT NULL,
    finished_at TEXT NOT NULL,
    version TEXT NOT NULL,
    summary TEXT NOT NULL,
    policy TEXT NOT NULL,
    notices TEXT NOT NULL,
    inputs TEXT NOT NULL,
    records INTEGER NOT NULL,
    forgot TEXT,
    pruned_at TEXT,
    removed INTEGER NOT NULL DEFAULT 0,
    checksum TEXT NOT NULL
);
CREATE TABLE scan_to_review (scan TEXT NOT NULL PRIMARY KEY);
CREATE TABLE secret (
    key TEXT NOT NULL,
    first_scan INTEGER NOT NULL,
    until_scan INTEGER,
    hash TEXT NOT NULL, provider TEXT, source TEXT, scope TEXT, body TEXT NOT NULL,
    checksum TEXT NOT NULL,
    PRIMARY KEY (key, first_scan)
);
CREATE TABLE secret_sighting (
    key TEXT NOT NULL,
    first_scan INTEGER NOT NULL,
    until_scan INTEGER,
    body TEXT NOT NULL,
    checksum TEXT NOT NULL,
    PRIMARY KEY (key, first_scan)
) WITHOUT ROWID;
CREATE TABLE staged_line (
    scan TEXT NOT NULL,
    part TEXT NOT NULL,
    position INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (scan, part, position)
);
CREATE TABLE staged_part (
    scan TEXT NOT NULL,
    part TEXT NOT NULL,
    head TEXT NOT NULL,
    received_at TEXT NOT NULL,
    PRIMARY KEY (scan, part)
);
CREATE TABLE ticket (
    marker TEXT NOT NULL PRIMARY KEY,
    target TEXT NOT NULL,
    wanted TEXT NOT NULL,
    wanted_at TEXT NOT NULL,
    written TEXT,
    reference TEXT,
    shown TEXT,
    closed_at TEXT,
    reopened INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    claimed_until TEXT,
    fault TEXT
);
CREATE TABLE wording (hash TEXT NOT NULL PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE workload (
    key TEXT NOT NULL,
    first_scan INTEGER NOT NULL,
    until_scan INTEGER,
    hash TEXT NOT NULL, provider TEXT, source TEXT, scope TEXT, kind TEXT, body TEXT NOT NULL,
    checksum TEXT NOT NULL,
    PRIMARY KEY (key, first_scan)
);
CREATE TABLE workload_sighting (
    key TEXT NOT NULL,
    first_scan INTEGER NOT NULL,
    until_scan INTEGER,
    body TEXT NOT NULL,
    checksum TEXT NOT NULL,
    PRIMARY KEY (key, first_scan)
) WITHOUT ROWID;
CREATE INDEX identity_ended ON identity (until_scan) WHERE until_scan IS NOT NULL;
CREATE INDEX identity_open ON identity (key, hash, until_scan) WHERE until_scan IS NULL;
CREATE INDEX secret_ended ON secret (until_scan) WHERE until_scan IS NOT NULL;
CREATE INDEX secret_open ON secret (key, hash, until_scan) WHERE until_scan IS NULL;
CREATE INDEX workload_ended ON workload (until_scan) WHERE until_scan IS NOT NULL;
CREATE INDEX workload_open ON workload (key, hash, until_scan) WHERE until_scan IS NULL;
CREATE INDEX assignment_ended ON assignment (until_scan) WHERE until_scan IS NOT NULL;
CREATE INDEX assignment_open ON assignment (key, hash, until_scan) WHERE until_scan IS NULL;
CREATE INDEX exposure_ended ON exposure (until_scan) WHERE until_scan IS NOT NULL;
CREATE INDEX exposure_open ON exposure (key, hash, until_scan) WHERE until_scan IS NULL;
CREATE INDEX entry_ended ON entry (until_scan) WHERE until_scan IS NOT NULL;
CREATE INDEX entry_open ON entry (key, hash, until_scan) WHERE until_scan IS NULL;
CREATE INDEX finding_ended ON finding (until_scan) WHERE until_scan IS NOT NULL;
CREATE INDEX identity_sighting_ended ON identity_sighting (until_scan) WHERE until_scan IS NOT NULL;
CREATE INDEX identity_sighting_open ON identity_sighting (key) WHERE until_scan IS NULL;
CREATE INDEX secret_sighting_ended ON secret_sighting (until_scan) WHERE until_scan IS NOT NULL;
CREATE INDEX secret_sighting_open ON secret_sighting (key) WHERE until_scan IS NULL;
CREATE INDEX workload_sighting_ended ON workload_sighting (until_scan) WHERE until_scan IS NOT NULL;
CREATE INDEX workload_sighting_open ON workload_sighting (key) WHERE until_scan IS NULL;
CREATE INDEX assignment_sighting_ended ON assignment_sighting (until_scan) WHERE until_scan IS NOT NULL;
CREATE INDEX assignment_sighting_open ON assignment_sighting (key) WHERE until_scan IS NULL;
CREATE INDEX exposure_sighting_ended ON exposure_sighting (until_scan) WHERE until_scan IS NOT NULL;
CREATE INDEX exposure_sighting_open ON exposure_sighting (key) WHERE until_scan IS NULL;
CREATE INDEX entry_sighting_ended ON entry_sighting (until_scan) WHERE until_scan IS NOT NULL;
CREATE INDEX entry_sighting_open ON entry_sighting (key) WHERE until_scan IS NULL;
CREATE INDEX finding_sighting_ended ON finding_sighting (until_scan) WHERE until_scan IS NOT NULL;
CREATE INDEX finding_sighting_open ON finding_sighting (key) WHERE until_scan IS NULL;
CREATE INDEX ordering_ended ON ordering (until_scan) WHERE until_scan IS NOT NULL;
CREATE INDEX ordering_open ON ordering (key) WHERE until_scan IS NULL;
CREATE INDEX identity_begun ON identity (first_scan) WHERE first_scan > 1;
CREATE INDEX entry_begun ON entry (first_scan) WHERE first_scan > 1;
CREATE INDEX finding_begun ON finding (first_scan) WHERE first_scan > 1;
CREATE INDEX identity_created_by ON identity (key, unique_id, created_by)
    WHERE until_scan IS NULL AND created_by IS NOT NULL;
CREATE INDEX finding_on_entry ON finding (entry) WHERE until_scan IS NULL AND entry IS NOT NULL;
CREATE INDEX finding_recreated ON finding (key) WHERE until_scan IS NULL AND rule = 'recreated';
CREATE INDEX finding_on_trust ON finding (key)
    WHERE until_scan IS NULL AND rule IN ('trust_unused', 'trust_never_matches');
CREATE INDEX log_caller_hash ON log_caller (hash);
CREATE INDEX log_day_unit ON log_day (unit);
CREATE INDEX page_record_sort ON page_record (sort, subject);
COMMIT;
