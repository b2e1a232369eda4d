namespace TorchZoo.Models.Operators; 
/// <summary>x</summary>
public sealed class ClassicFno;
