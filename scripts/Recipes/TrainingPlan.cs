namespace TorchZoo.Scripts.Recipes;

/// <summary>How an experiment trains.</summary>
/// <param name="Epochs">Passes over the training set.</param>
/// <param name="BatchSize">Examples in a batch.</param>
/// <param name="LearningRate">The schedule's highest.</param>
internal sealed record TrainingPlan(int Epochs, int BatchSize, double LearningRate);
