"""Rules of a training: one file each; a rule is a function of a `Run`.

To add one: a file named as the problem, with the function and its ``ABOUT``, and an entry here.
"""

from luthier.diagnosis.run.bad_initialisation import bad_initialisation
from luthier.diagnosis.run.batch_too_large import batch_too_large
from luthier.diagnosis.run.batch_too_small import batch_too_small
from luthier.diagnosis.run.dead_units import dead_units
from luthier.diagnosis.run.diverging import diverging
from luthier.diagnosis.run.double_softmax import double_softmax
from luthier.diagnosis.run.evaluation_in_train_mode import evaluation_in_train_mode
from luthier.diagnosis.run.exploding_gradients import exploding_gradients
from luthier.diagnosis.run.first_rate_skipped import first_rate_skipped
from luthier.diagnosis.run.gradients_not_zeroed import gradients_not_zeroed
from luthier.diagnosis.run.late_variance import late_variance
from luthier.diagnosis.run.learning_rate_too_high import learning_rate_too_high
from luthier.diagnosis.run.learning_rate_too_low import learning_rate_too_low
from luthier.diagnosis.run.loss_spikes import loss_spikes
from luthier.diagnosis.run.nan_loss import nan_loss
from luthier.diagnosis.run.noisy_labels import noisy_labels
from luthier.diagnosis.run.not_learning import not_learning
from luthier.diagnosis.run.oscillating import oscillating
from luthier.diagnosis.run.over_regularised import over_regularised
from luthier.diagnosis.run.overfitting import overfitting
from luthier.diagnosis.run.parameters_not_trained import parameters_not_trained
from luthier.diagnosis.run.plateau import plateau
from luthier.diagnosis.run.saturated_units import saturated_units
from luthier.diagnosis.run.schedule_collapses import schedule_collapses
from luthier.diagnosis.run.schedule_not_applied import schedule_not_applied
from luthier.diagnosis.run.slow_convergence import slow_convergence
from luthier.diagnosis.run.split_mismatch import split_mismatch
from luthier.diagnosis.run.test_set_reused import test_set_reused
from luthier.diagnosis.run.too_few_epochs import too_few_epochs
from luthier.diagnosis.run.too_many_epochs import too_many_epochs
from luthier.diagnosis.run.under_regularised import under_regularised
from luthier.diagnosis.run.underfitting import underfitting
from luthier.diagnosis.run.unscaled_inputs import unscaled_inputs
from luthier.diagnosis.run.unshuffled_data import unshuffled_data
from luthier.diagnosis.run.validation_leak import validation_leak
from luthier.diagnosis.run.vanishing_gradients import vanishing_gradients
from luthier.diagnosis.run.wrong_gradient_sign import wrong_gradient_sign

ALL = (
    nan_loss,
    bad_initialisation,
    learning_rate_too_high,
    learning_rate_too_low,
    wrong_gradient_sign,
    diverging,
    oscillating,
    loss_spikes,
    late_variance,
    not_learning,
    over_regularised,
    double_softmax,
    batch_too_large,
    batch_too_small,
    slow_convergence,
    plateau,
    too_few_epochs,
    overfitting,
    under_regularised,
    underfitting,
    too_many_epochs,
    noisy_labels,
    gradients_not_zeroed,
    parameters_not_trained,
    schedule_collapses,
    schedule_not_applied,
    first_rate_skipped,
    evaluation_in_train_mode,
    unshuffled_data,
    unscaled_inputs,
    exploding_gradients,
    vanishing_gradients,
    dead_units,
    saturated_units,
    validation_leak,
    split_mismatch,
    test_set_reused,
)
