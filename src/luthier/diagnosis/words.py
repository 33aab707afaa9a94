"""What to type, in the words of the framework at hand."""

from __future__ import annotations

from luthier.core import Run, Setup

_TORCH = {
    "activation": "Put torch.nn.ReLU() between the layers.",
    "align_both": "Give outputs and targets one shape within the loss.",
    "align_outputs": "Write loss_fn(outputs.squeeze(1), targets).",
    "align_targets": "Write loss_fn(outputs, targets.squeeze(1)).",
    "all_weights": "model.parameters()",
    "binary_logits": "BCEWithLogitsLoss",
    "class_targets": "Class numbers are int64 for CrossEntropyLoss; BCE and MSE take targets of "
    "the outputs' type.",
    "clip": "Clip gradients: torch.nn.utils.clip_grad_norm_.",
    "cosine": "CosineAnnealingLR",
    "cross_entropy": "CrossEntropyLoss",
    "cut": "Look for detach(), .data, no_grad() or argmax on the way to the loss.",
    "draw": "Draw the weights with torch.nn.init.kaiming_normal_ (relu) or xavier_uniform_ "
    "(tanh, sigmoid), biases zero; or leave PyTorch's own.",
    "freeze": "requires_grad_(False)",
    "listed": "Keep layers in torch.nn.ModuleList, not in a plain list or dict; make weights of "
    "your own torch.nn.Parameter.",
    "mean_rows": "Take the mean over rows: reduction='mean'.",
    "mse": "MSELoss",
    "log_shares": "Take CrossEntropyLoss on the logits, or end with log_softmax.",
    "log_shares_loss": "NLLLoss",
    "one_unit": "End with one unit a class, or take BCEWithLogitsLoss with the one unit.",
    "sequences": "If zeros stand behind the data, pad in front or take pack_padded_sequence; "
    "else take nn.LSTM or nn.GRU.",
    "set_rate": 'for group in optimizer.param_groups: group["lr"] = rate',
    "shares_loss": "Keep it, and take the loss of shares: log, then NLLLoss or BCELoss.",
    "shuffle": "Shuffle the rows of every epoch: DataLoader(..., shuffle=True).",
    "small_weights": "Begin with smaller weights: torch.nn.init.xavier_uniform_.",
    "usual": "Take the usual settings: momentum 0.9; betas (0.9, 0.999), eps 1e-8.",
}
_KERAS = {
    "activation": 'Give the layers between an activation: Dense(units, activation="relu").',
    "align_both": "Give y_true and y_pred one shape within the loss: (rows, 1) less (rows,) is "
    "(rows, rows).",
    "align_outputs": "Give both one shape: keras.ops.squeeze(y_pred, -1) in the loss.",
    "align_targets": "Give both one shape: y[:, 0].",
    "all_weights": "model.trainable_variables",
    "binary_logits": "BinaryCrossentropy(from_logits=True)",
    "class_targets": "Class numbers go with sparse_categorical_crossentropy, one-hot rows with "
    "categorical_crossentropy: keras.utils.to_categorical(y).",
    "clip": "Clip gradients: keras.optimizers.Adam(..., global_clipnorm=1.0).",
    "cosine": "keras.optimizers.schedules.CosineDecay",
    "cross_entropy": "sparse_categorical_crossentropy",
    "cut": "Look for keras.ops.stop_gradient or argmax on the way to the loss, and for layers "
    "whose trainable is False.",
    "draw": 'Leave Keras\' own kernel_initializer="glorot_uniform", or take "he_normal" with relu; '
    'bias_initializer="zeros".',
    "freeze": "layer.trainable = False, before compile",
    "listed": "Assign layers to attributes of the model, or to a list that is one.",
    "mean_rows": 'Take the mean over rows: reduction="sum_over_batch_size".',
    "mse": "mean_squared_error",
    "log_shares": "Take CategoricalCrossentropy(from_logits=True) on the logits.",
    "log_shares_loss": "The loss",
    "one_unit": "End with one unit a class, or take binary_crossentropy with sigmoid over the one "
    "unit.",
    "sequences": 'If zeros stand behind the data, take pad_sequences(padding="pre") or a Masking '
    "layer; else take LSTM or GRU.",
    "set_rate": "model.optimizer.learning_rate = rate",
    "shares_loss": "Keep it, and leave from_logits=True out of the loss.",
    "shuffle": "Shuffle the rows of every epoch: leave shuffle=True in fit, or dataset.shuffle("
    "rows).",
    "small_weights": 'Begin with smaller weights: kernel_initializer="glorot_uniform".',
    "usual": "Take the usual settings: momentum 0.9; beta_1 0.9, beta_2 0.999, epsilon 1e-7.",
}


def words(evidence: Run | Setup, phrase: str) -> str:
    """Return a phrase in the words of the evidence's framework.

    >>> words(Setup(framework="keras"), "mse"), words(Setup(), "mse")
    ('mean_squared_error', 'MSELoss')
    """
    if isinstance(evidence, Run):
        name = str(evidence.trace.facts.get("framework", ""))
    else:
        name = evidence.framework
    return (_KERAS if name == "keras" else _TORCH)[phrase]
