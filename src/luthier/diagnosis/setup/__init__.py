"""Rules of a set-up: one file each; a rule is a function of a `Setup`.

To add one: a file named as the problem, with the function and its ``ABOUT``, and an entry here.
A problem of a training that can be told before it has its rule here, too.
"""

from luthier.diagnosis.setup.bad_initialisation import bad_initialisation
from luthier.diagnosis.setup.batch_too_small import batch_too_small
from luthier.diagnosis.setup.cannot_overfit_one_batch import cannot_overfit_one_batch
from luthier.diagnosis.setup.class_imbalance import class_imbalance
from luthier.diagnosis.setup.constant_features import constant_features
from luthier.diagnosis.setup.double_softmax import double_softmax
from luthier.diagnosis.setup.label_range import label_range
from luthier.diagnosis.setup.leaked_rows import leaked_rows
from luthier.diagnosis.setup.leaked_target import leaked_target
from luthier.diagnosis.setup.learning_rate_out_of_range import learning_rate_out_of_range
from luthier.diagnosis.setup.learning_rate_too_high import learning_rate_too_high
from luthier.diagnosis.setup.learning_rate_too_low import learning_rate_too_low
from luthier.diagnosis.setup.missing_nonlinearity import missing_nonlinearity
from luthier.diagnosis.setup.nonfinite_data import nonfinite_data
from luthier.diagnosis.setup.optimizer_settings import optimizer_settings
from luthier.diagnosis.setup.output_shape import output_shape
from luthier.diagnosis.setup.over_regularised import over_regularised
from luthier.diagnosis.setup.parameters_not_trained import parameters_not_trained
from luthier.diagnosis.setup.schedule_collapses import schedule_collapses
from luthier.diagnosis.setup.schedule_not_applied import schedule_not_applied
from luthier.diagnosis.setup.split_mismatch import split_mismatch
from luthier.diagnosis.setup.unscaled_inputs import unscaled_inputs
from luthier.diagnosis.setup.unscaled_targets import unscaled_targets
from luthier.diagnosis.setup.vanishing_gradients import vanishing_gradients
from luthier.diagnosis.setup.wrong_gradient_sign import wrong_gradient_sign
from luthier.diagnosis.setup.wrong_loss import wrong_loss
from luthier.diagnosis.setup.wrong_metric import wrong_metric
from luthier.diagnosis.setup.wrong_output_activation import wrong_output_activation

HEAD = (
    label_range,
    output_shape,
    wrong_loss,
    double_softmax,
    wrong_output_activation,
    wrong_metric,
)
ALL = (
    nonfinite_data,
    label_range,
    output_shape,
    wrong_gradient_sign,
    wrong_loss,
    double_softmax,
    wrong_output_activation,
    wrong_metric,
    parameters_not_trained,
    schedule_not_applied,
    missing_nonlinearity,
    bad_initialisation,
    unscaled_inputs,
    unscaled_targets,
    vanishing_gradients,
    learning_rate_out_of_range,
    learning_rate_too_high,
    learning_rate_too_low,
    optimizer_settings,
    schedule_collapses,
    over_regularised,
    batch_too_small,
    cannot_overfit_one_batch,
    leaked_target,
    leaked_rows,
    split_mismatch,
    class_imbalance,
    constant_features,
)
