-- A storage of version 1, as it was written then: one study, one paused trial of two epochs.

PRAGMA application_id = 1819636840;
PRAGMA user_version = 1;

CREATE TABLE luthier_meta (
    "key" VARCHAR(32) NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY ("key")
);

CREATE TABLE studies (
    id INTEGER NOT NULL,
    name VARCHAR(255) NOT NULL,
    record TEXT NOT NULL,
    changed BIGINT NOT NULL,
    created FLOAT NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (name)
);

CREATE TABLE decisions (
    study INTEGER NOT NULL,
    decision INTEGER NOT NULL,
    PRIMARY KEY (study, decision),
    FOREIGN KEY(study) REFERENCES studies (id)
);

CREATE TABLE trials (
    study INTEGER NOT NULL,
    number INTEGER NOT NULL,
    recipe TEXT NOT NULL,
    seed BIGINT NOT NULL,
    engine VARCHAR(255) NOT NULL,
    state VARCHAR(16) NOT NULL,
    cause TEXT,
    parent_trial INTEGER,
    parent_epoch INTEGER,
    resumable BOOLEAN NOT NULL,
    changed BIGINT NOT NULL,
    PRIMARY KEY (study, number),
    FOREIGN KEY(study) REFERENCES studies (id)
);
CREATE INDEX trials_changed ON trials (study, changed);

CREATE TABLE checkpoints (
    study INTEGER NOT NULL,
    trial INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    size BIGINT NOT NULL,
    blob BLOB NOT NULL,
    PRIMARY KEY (study, trial),
    FOREIGN KEY(study, trial) REFERENCES trials (study, number)
);

CREATE TABLE epochs (
    study INTEGER NOT NULL,
    trial INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    data TEXT NOT NULL,
    PRIMARY KEY (study, trial, epoch),
    FOREIGN KEY(study, trial) REFERENCES trials (study, number)
) WITHOUT ROWID;

CREATE TABLE steps (
    study INTEGER NOT NULL,
    decision INTEGER NOT NULL,
    position INTEGER NOT NULL,
    trial INTEGER NOT NULL,
    until INTEGER NOT NULL,
    state VARCHAR(16) NOT NULL,
    worker VARCHAR(255),
    lease_until FLOAT,
    attempts INTEGER NOT NULL,
    PRIMARY KEY (study, decision, position),
    FOREIGN KEY(study, decision) REFERENCES decisions (study, decision),
    FOREIGN KEY(study, trial) REFERENCES trials (study, number)
);
CREATE INDEX steps_state ON steps (study, state);

INSERT INTO luthier_meta VALUES ('application', 'luthier'), ('version', '1');
INSERT INTO studies VALUES (1, 'digits', '{"name":"digits","metric":"accuracy","direction":"maximize","data":"data-1","builder":"net-1","seed":0,"about":{},"space":{"baseline":{"version":1,"network":"mlp","model":{"width":8},"loss":null,"optimizer":"adamw","learning_rate":0.001,"momentum":0.9,"beta1":0.9,"beta2":0.999,"epsilon":1e-08,"schedule":"constant","warmup":0.0,"gamma":0.1,"step_size":0.3333333333333333,"milestones":[0.5,0.75],"end_factor":0.0,"power":2.0,"cycles":3,"peak":0.3,"decay_share":0.2,"plateau_patience":10,"batch_size":32,"epochs":40,"l1":0.0,"l2":0.0,"weight_decay":0.0,"dropout":null,"initialiser":null,"label_smoothing":0.0,"mixup":0.0,"clip_norm":null,"ema":null,"early_stopping":null,"class_weight":null,"preprocessing":"standard","encoding":"onehot","imputation":"median","augmentation":"none","precision":"float32"},"parameters":[["learning_rate",{"float":[0.0001,0.1],"log":true}]]}}', 7, 1700000000.0);
INSERT INTO decisions VALUES (1, 0);
INSERT INTO trials VALUES (1, 0, '{"version":1,"network":"mlp","model":{"width":1},"loss":null,"optimizer":"adamw","learning_rate":0.001,"momentum":0.9,"beta1":0.9,"beta2":0.999,"epsilon":1e-08,"schedule":"constant","warmup":0.0,"gamma":0.1,"step_size":0.3333333333333333,"milestones":[0.5,0.75],"end_factor":0.0,"power":2.0,"cycles":3,"peak":0.3,"decay_share":0.2,"plateau_patience":10,"batch_size":32,"epochs":40,"l1":0.0,"l2":0.0,"weight_decay":0.0,"dropout":null,"initialiser":null,"label_smoothing":0.0,"mixup":0.0,"clip_norm":null,"ema":null,"early_stopping":null,"class_weight":null,"preprocessing":"standard","encoding":"onehot","imputation":"median","augmentation":"none","precision":"float32"}', 0, 'compiled', 'paused', NULL, NULL, NULL, 1, 7);
INSERT INTO steps VALUES (1, 0, 0, 0, 2, 'done', NULL, NULL, 0);
INSERT INTO epochs VALUES (1, 0, 1, '{"train_loss":1.0,"metrics":{"accuracy":1.0},"signals":{}}');
INSERT INTO epochs VALUES (1, 0, 2, '{"train_loss":2.0,"metrics":{"accuracy":2.0},"signals":{}}');
INSERT INTO checkpoints VALUES (1, 0, 2, 168, x'88000000000000007b225f5f6d657461646174615f5f223a7b226f72646572223a225b5c22776569676874732f775c225d222c226578747261223a227b5c2265706f63685c223a20327d227d2c22776569676874732f77223a7b226474797065223a22463332222c227368617065223a5b322c335d2c22646174615f6f666673657473223a5b302c32345d7d7d202020000000400000004000000040000000400000004000000040');
